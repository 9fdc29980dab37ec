// Package opcua hears and asks OPC UA over UA TCP with the binary encoding: what a server calls itself, the endpoints it offers
// and how they are secured, and the product behind it.
//
// Standard: OPC 10000-6 v1.05 (clause 5.2 binary encoding, 6.7 secure conversation, 7.1 connection protocol) and OPC 10000-4
// v1.05 (services). Port: TCP 4840, and those that makers of servers chose beside it.
//
// Heard: FindServers, GetEndpoints, CreateSession, Read of the server's build information and namespaces, and of the nameplates of
// devices (OPC 10000-100) that were browsed before, on channels without security; certificates on all channels; what clients do (read, write, call). On secured channels nothing else is read.
//
// Asked, over one connection: the servers known there, the endpoints, and, where an endpoint needs neither security nor a login,
// the build information in one Read and the nameplates of devices. Then the session and the channel are closed in order.
package opcua

import "github.com/walkdown-ot/walkdown/discovery"

const (
	name        = "opcua"
	defaultPort = 4840 // IANA: opcua-tcp
)

// The keys of this protocol. Those of the server come first, in the order in which they are told.
const (
	keyApplicationURI      discovery.Key = "opcua.application-uri"
	keyProductURI          discovery.Key = "opcua.product-uri"
	keyApplicationName     discovery.Key = "opcua.application-name"
	keyApplicationType     discovery.Key = "opcua.application-type"
	keyGatewayServerURI    discovery.Key = "opcua.gateway-server-uri"
	keyDiscoveryURL        discovery.Key = "opcua.discovery-url"
	keyEndpoint            discovery.Key = "opcua.endpoint"
	keySecurityPolicy      discovery.Key = "opcua.security-policy"
	keyCertificateSubject  discovery.Key = "opcua.certificate-subject"
	keyCertificateNotAfter discovery.Key = "opcua.certificate-not-after"
	keyProductName         discovery.Key = "opcua.product-name"
	keyBuildProductURI     discovery.Key = "opcua.build-product-uri"
	keyManufacturerName    discovery.Key = "opcua.manufacturer-name"
	keySoftwareVersion     discovery.Key = "opcua.software-version"
	keyBuildNumber         discovery.Key = "opcua.build-number"
	keyBuildDate           discovery.Key = "opcua.build-date"
	keyNamespace           discovery.Key = "opcua.namespace"

	// The nameplate of a device, by OPC 10000-100 (DI).
	keyDIManufacturer       discovery.Key = "opcua.di-manufacturer"
	keyDIManufacturerURI    discovery.Key = "opcua.di-manufacturer-uri"
	keyDIModel              discovery.Key = "opcua.di-model"
	keyDIProductCode        discovery.Key = "opcua.di-product-code"
	keyDIHardwareRevision   discovery.Key = "opcua.di-hardware-revision"
	keyDISoftwareRevision   discovery.Key = "opcua.di-software-revision"
	keyDIDeviceRevision     discovery.Key = "opcua.di-device-revision"
	keyDIDeviceClass        discovery.Key = "opcua.di-device-class"
	keyDISerialNumber       discovery.Key = "opcua.di-serial-number"
	keyDIProductInstanceURI discovery.Key = "opcua.di-product-instance-uri"

	keyClientApplicationURI  discovery.Key = "opcua.client-application-uri"
	keyClientApplicationName discovery.Key = "opcua.client-application-name"
	keyClientProductURI      discovery.Key = "opcua.client-product-uri"
)

// Protocol is OPC UA, both faces of it.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "OPC UA",
		Standard: "OPC 10000-6 v1.05 (UA TCP, binary encoding) and OPC 10000-4 v1.05 (services)",
		Hears: "what servers and clients call themselves, the endpoints with their security, certificates, " +
			"the build information and namespaces that clients read, and whether clients read, write or call",
		Keys: append(plateKeys(),
			keyApplicationURI, keyProductURI, keyApplicationName, keyApplicationType, keyGatewayServerURI, keyDiscoveryURL,
			keyEndpoint, keySecurityPolicy, keyCertificateSubject, keyCertificateNotAfter,
			keyProductName, keyBuildProductURI, keyManufacturerName, keySoftwareVersion, keyBuildNumber, keyBuildDate, keyNamespace,
			keyClientApplicationURI, keyClientApplicationName, keyClientProductURI,
		),
		Ports: []discovery.Port{
			{Transport: discovery.TCP, Number: defaultPort},
			{Transport: discovery.TCP, Number: 4855},  // Softing, Siemens WinCC
			{Transport: discovery.TCP, Number: 48010}, // Unified Automation
			{Transport: discovery.TCP, Number: 49320}, // Kepware
			{Transport: discovery.TCP, Number: 53530}, // Prosys
		},
		Claims: claims,
		Decode: func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f, server: discovery.Server} },
		Asker:  asker(),
	}
}

// claims recognises the first message of a connection on any port: its type, and a size that fits the type.
func claims(first []byte) bool {
	_, ok := parseHeader(first)
	return ok
}
