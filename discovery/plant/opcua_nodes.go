package plant

import (
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

// read gives the value of a node, or the status that says why there is none.
func (s *uaServer) read(node *ua.ReadValueID) *ua.DataValue {
	value := s.value(node.NodeID)
	switch {
	case value == nil:
		return &ua.DataValue{EncodingMask: ua.DataValueStatusCode, Status: ua.StatusBadNodeIDUnknown}
	case node.AttributeID != ua.AttributeIDValue:
		return &ua.DataValue{EncodingMask: ua.DataValueStatusCode, Status: ua.StatusBadAttributeIDInvalid}
	}
	return &ua.DataValue{EncodingMask: ua.DataValueValue, Value: ua.MustVariant(value)}
}

// value gives what the server object of namespace 0 holds under a node (OPC 10000-5 section 8.3.2); nil for any other node.
func (s *uaServer) value(node *ua.NodeID) any {
	if node.Namespace() != 0 {
		return nil
	}
	build := buildInfo()
	switch node.IntID() {
	case id.Server_ServerArray:
		return []string{uaApplicationURI}
	case id.Server_NamespaceArray:
		return []string{"http://opcfoundation.org/UA/", uaApplicationURI, "urn:BeckhoffAutomation:Ua:PLC1"}
	case id.Server_ServerStatus:
		return ua.NewExtensionObject(&ua.ServerStatusDataType{
			StartTime: s.started, CurrentTime: time.Now(), State: ua.ServerStateRunning, BuildInfo: build,
			ShutdownReason: &ua.LocalizedText{},
		})
	case id.Server_ServerStatus_StartTime:
		return s.started
	case id.Server_ServerStatus_CurrentTime:
		return time.Now()
	case id.Server_ServerStatus_State:
		return int32(ua.ServerStateRunning)
	case id.Server_ServerStatus_BuildInfo:
		return ua.NewExtensionObject(build)
	case id.Server_ServerStatus_BuildInfo_ProductName:
		return build.ProductName
	case id.Server_ServerStatus_BuildInfo_ProductURI:
		return build.ProductURI
	case id.Server_ServerStatus_BuildInfo_ManufacturerName:
		return build.ManufacturerName
	case id.Server_ServerStatus_BuildInfo_SoftwareVersion:
		return build.SoftwareVersion
	case id.Server_ServerStatus_BuildInfo_BuildNumber:
		return build.BuildNumber
	case id.Server_ServerStatus_BuildInfo_BuildDate:
		return build.BuildDate
	}
	return nil
}

func buildInfo() *ua.BuildInfo {
	return &ua.BuildInfo{
		ProductURI:       uaProductURI,
		ManufacturerName: "Beckhoff Automation GmbH & Co. KG",
		ProductName:      "TwinCAT OPC UA Server",
		SoftwareVersion:  "4.4.118",
		BuildNumber:      "118",
		BuildDate:        time.Date(2024, time.March, 14, 0, 0, 0, 0, time.UTC),
	}
}
