package opcua

import (
	"context"
	"fmt"
	"slices"

	"github.com/gopcua/opcua/ua"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Bounds of the questions about nameplates.
const (
	maxAskedDevices = 8
	maxAskedPlates  = 80 // properties, of all devices
	maxAskedServers = 64 // of one answer to FindServersOnNetwork

	hierarchicalReferences = 33 // OPC 10000-5 annex A
	hasProperty            = 46
)

// namespaces reads the last value of the answer to read-build-info, which holds the namespaces of the server. A damage is the
// decoder's to tell.
func (r *reader) namespaces() []string {
	if isBad(r.responseHeader()) {
		return nil
	}
	var last variant
	for range r.count(1) {
		if last, _ = r.dataValue(maxNamespaces); r.Err() != nil {
			return nil
		}
	}
	return last.texts
}

// nameplates browses the DeviceSet of a server that knows it, and reads the nameplates of the devices there: three questions.
func (c *channel) nameplates(ctx context.Context, namespaces []string) error {
	place := slices.Index(namespaces, namespaceDI)
	if place <= 0 {
		return nil
	}
	set, err := c.browse(ctx, requestBrowseDevices, hierarchicalReferences, classObject, []*ua.NodeID{ua.NewFourByteNodeID(uint8(place), nodeDeviceSet)})
	if err != nil {
		return err
	}
	devices := nodesOf(set, maxAskedDevices, func(ref reference) bool { return ref.class == classObject })
	if len(devices) == 0 {
		return nil
	}
	properties, err := c.browse(ctx, requestBrowseNameplates, hasProperty, classVariable, devices)
	if err != nil {
		return err
	}
	plates := nodesOf(properties, maxAskedPlates, func(ref reference) bool { return ref.class == classVariable && plateKey(ref.name) != "" })
	if len(plates) == 0 {
		return nil
	}
	_, err = c.request(ctx, requestReadNameplates, &ua.ReadRequest{
		TimestampsToReturn: ua.TimestampsToReturnNeither, NodesToRead: readValues(plates),
	}, readResponse)
	return err
}

// browse gives the references of nodes, of one kind, to nodes of one class.
func (c *channel) browse(ctx context.Context, name string, references byte, class uint32, nodes []*ua.NodeID) ([][]reference, error) {
	const allFields = 0x3f
	request := &ua.BrowseRequest{View: &ua.ViewDescription{ViewID: ua.NewTwoByteNodeID(0)}, RequestedMaxReferencesPerNode: maxBrowsed}
	for _, node := range nodes {
		request.NodesToBrowse = append(request.NodesToBrowse, &ua.BrowseDescription{
			NodeID: node, BrowseDirection: ua.BrowseDirectionForward, ReferenceTypeID: ua.NewTwoByteNodeID(references), IncludeSubtypes: true,
			NodeClassMask: class, ResultMask: allFields,
		})
	}
	r, err := c.request(ctx, name, request, browseResponse)
	if err != nil {
		return nil, err
	}
	out, err := r.browseAnswer()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, discovery.ErrNotUnderstood, err)
	}
	return out, nil
}

// nodesOf are the nodes of the server itself that are wanted, as often as each result names them, at most so many.
func nodesOf(results [][]reference, most int, wanted func(reference) bool) []*ua.NodeID {
	var out []*ua.NodeID
	for _, references := range results {
		for _, ref := range references {
			if ref.node == "" || len(ref.encoded) > maxToken || len(out) == most || !wanted(ref) {
				continue
			}
			id := new(ua.NodeID)
			if _, err := id.Decode(ref.encoded); err == nil {
				out = append(out, id)
			}
		}
	}
	return out
}

func readValues(nodes []*ua.NodeID) []*ua.ReadValueID {
	var out []*ua.ReadValueID
	for _, node := range nodes {
		out = append(out, &ua.ReadValueID{NodeID: node, AttributeID: ua.AttributeIDValue, DataEncoding: &ua.QualifiedName{}})
	}
	return out
}
