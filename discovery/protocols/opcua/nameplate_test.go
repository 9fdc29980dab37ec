package opcua

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopcua/opcua/ua"

	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func refTo(node *ua.NodeID, name string, class ua.NodeClass) *ua.ReferenceDescription {
	return &ua.ReferenceDescription{
		ReferenceTypeID: ua.NewTwoByteNodeID(47), IsForward: true, NodeID: &ua.ExpandedNodeID{NodeID: node},
		BrowseName: &ua.QualifiedName{NamespaceIndex: 2, Name: name}, DisplayName: ua.NewLocalizedText(name), NodeClass: class,
		TypeDefinition: ua.NewFourByteExpandedNodeID(0, 68),
	}
}

// devices is a server with the namespace of DI and these devices, each with these properties.
func devices(t *testing.T, plates map[string][]string, names ...string) map[service]func(uint32) []byte {
	reads := 0
	return map[service]func(uint32) []byte{
		browseRequest: func(id uint32) []byte {
			answer := &ua.BrowseResponse{}
			if reads == 1 && len(plates) > 0 {
				set := &ua.BrowseResult{}
				for _, name := range names {
					set.References = append(set.References, refTo(ua.NewStringNodeID(3, "\""+name+"\""), name, ua.NodeClassObject))
				}
				set.References = append(set.References, refTo(ua.NewFourByteNodeID(2, 15034), "Version", ua.NodeClassVariable))
				answer.Results = []*ua.BrowseResult{set}
				reads++
				return chunks(t, id, 0, answer)
			}
			for d, name := range names {
				result := &ua.BrowseResult{}
				for p, property := range plates[name] {
					key, _, _ := strings.Cut(property, "=")
					result.References = append(result.References, refTo(ua.NewNumericNodeID(3, uint32(100_000*(d+1)+p)), key, ua.NodeClassVariable))
				}
				answer.Results = append(answer.Results, result)
			}
			return chunks(t, id, 0, answer)
		},
		readRequest: func(id uint32) []byte {
			if reads == 0 {
				reads = 1
				return chunks(t, id, 0, &ua.ReadResponse{Results: []*ua.DataValue{
					good("Soft PLC"), good("urn:x"), good("ACME"), good("3.1"), good("7"), good(testTime), good([]string{"http://opcfoundation.org/UA/", "urn:x", namespaceDI}),
				}})
			}
			answer := &ua.ReadResponse{}
			for _, name := range names {
				for _, property := range plates[name] {
					if key, value, _ := strings.Cut(property, "="); plateKey(key) != "" {
						answer.Results = append(answer.Results, good(value))
					}
				}
			}
			return chunks(t, id, 120, answer)
		},
	}
}

func TestNameplates(t *testing.T) {
	upToRead := allRequests[:slices.Index(allRequests, requestReadBuildInfo)+1]
	farewell := allRequests[len(upToRead):]
	whole := slices.Concat(upToRead, []string{requestBrowseDevices, requestBrowseNameplates, requestReadNameplates}, farewell)
	plc := []string{"Manufacturer=ACME", "Model=P-100", "SerialNumber=S 4711", "RevisionCounter=3", "SoftwareRevision=V2.9.4", "HardwareRevision=2"}
	drive := []string{"Manufacturer=Drives & Co", "Model=D-7", "SerialNumber=0815"}
	for name, c := range map[string]struct {
		plates map[string][]string
		names  []string
		want   []string
		told   []string
	}{
		"one_device_is_the_server": {
			plates: map[string][]string{"PLC_1": plc}, names: []string{"PLC_1"}, want: whole,
			told: []string{
				"127.0.0.1: opcua.di-manufacturer = ACME", "127.0.0.1: opcua.di-model = P-100", "127.0.0.1: opcua.di-serial-number = S 4711",
				"127.0.0.1: opcua.di-software-revision = V2.9.4", "127.0.0.1: opcua.di-hardware-revision = 2",
			},
		},
		"several_devices": {
			plates: map[string][]string{"PLC_1": plc, "Drive 7": drive}, names: []string{"PLC_1", "Drive 7"}, want: whole,
			told: []string{
				"127.0.0.1 di-device=PLC_1: opcua.di-model = P-100", "127.0.0.1 di-device=Drive 7: opcua.di-manufacturer = Drives & Co",
				"127.0.0.1 di-device=Drive 7: opcua.di-serial-number = 0815",
			},
		},
		"no_devices":   {plates: map[string][]string{"": nil}, want: slices.Concat(upToRead, []string{requestBrowseDevices}, farewell)},
		"no_nameplate": {plates: map[string][]string{"X": {"Other=1"}}, names: []string{"X"}, want: slices.Concat(upToRead, []string{requestBrowseDevices, requestBrowseNameplates}, farewell)},
	} {
		t.Run(name, func(t *testing.T) {
			got := discoverytest.Asked(t, Protocol(), loopback(t, answering(t, devices(t, c.plates, c.names...))))
			if diff := cmp.Diff(c.want, got.Requests()); diff != "" || got.Err != nil || len(got.Problems) > 0 {
				t.Errorf("sent (-want +got), error %v, problems %v:\n%s", got.Err, got.Problems, diff)
			}
			questions := slices.DeleteFunc(slices.Clone(got.Sent), func(s discoverytest.Sent) bool { return s.Setup })
			if got.Dials > 1 || len(questions) > 6 { // the figure that is promised for one server
				t.Errorf("%d questions over %d connections", len(questions), got.Dials)
			}
			for _, line := range c.told {
				if !slices.Contains(got.Lines, line) {
					t.Errorf("not told: %s; told:\n%s", line, strings.Join(got.Lines, "\n"))
				}
			}
		})
	}
}

// However many devices and properties a server has, the questions are bounded.
func TestNameplatesAreBounded(t *testing.T) {
	plates := map[string][]string{}
	var names []string
	for i := range 30 {
		name := fmt.Sprintf("Device %d", i)
		names = append(names, name)
		for _, key := range []string{"Manufacturer", "Model", "SerialNumber", "SoftwareRevision", "HardwareRevision", "DeviceClass", "ProductCode", "DeviceRevision", "ManufacturerUri", "ProductInstanceUri", "Model", "Model"} {
			plates[name] = append(plates[name], key+"=x")
		}
	}
	got := discoverytest.Asked(t, Protocol(), loopback(t, answering(t, devices(t, plates, names...))))
	if got.Err != nil {
		t.Error(got.Err)
	}
	told := 0
	for _, line := range got.Lines {
		if strings.Contains(line, "di-model") {
			told++
		}
	}
	if told == 0 || told > maxAskedDevices {
		t.Errorf("%d devices told", told)
	}
}

// A discovery server is asked for what it has heard on the network; what it names is told and not followed.
func TestFindServersOnNetwork(t *testing.T) {
	local := description("urn:lds", ua.ApplicationTypeDiscoveryServer)
	instead := map[service]func(uint32) []byte{
		findServersRequest: func(id uint32) []byte {
			return chunks(t, id, 0, &ua.FindServersResponse{Servers: []*ua.ApplicationDescription{local}})
		},
		findOnNetworkRequest: func(id uint32) []byte {
			return chunks(t, id, 0, &ua.FindServersOnNetworkResponse{Servers: []*ua.ServerOnNetwork{
				{RecordID: 1, ServerName: "press-7", DiscoveryURL: "opc.tcp://192.0.2.77:4840", ServerCapabilities: []string{"DA"}},
			}})
		},
	}
	got := discoverytest.Asked(t, Protocol(), loopback(t, answering(t, instead)))
	want := slices.Concat(allRequests[:3], []string{requestFindOnNetwork}, allRequests[3:])
	if diff := cmp.Diff(want, got.Requests()); diff != "" || got.Err != nil || got.Dials != 1 {
		t.Errorf("sent (-want +got), error %v, %d connections:\n%s", got.Err, got.Dials, diff)
	}
	if line := "opcua.discovery-url = opc.tcp://192.0.2.77:4840"; !slices.ContainsFunc(got.Lines, func(l string) bool { return strings.Contains(l, line) && strings.Contains(l, "endpoint=") }) {
		t.Errorf("not told of another server: %s; told:\n%s", line, strings.Join(got.Lines, "\n"))
	}
}
