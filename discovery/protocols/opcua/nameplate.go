package opcua

import (
	"fmt"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The nameplate of a device (OPC 10000-100 clause 4.5.2): properties of an object in the DeviceSet. Their nodes have no numbers that are
// known before; who browses the DeviceSet and its devices learns them, and so does who overhears it.
const (
	namespaceDI   = "http://opcfoundation.org/UA/DI/"
	nodeDeviceSet = 5001 // in that namespace
)

// plateKey is the key of a property of the nameplate, by its browse name; "" for another property.
func plateKey(browseName string) discovery.Key {
	switch browseName {
	case "Manufacturer":
		return keyDIManufacturer
	case "ManufacturerUri":
		return keyDIManufacturerURI
	case "Model":
		return keyDIModel
	case "ProductCode":
		return keyDIProductCode
	case "HardwareRevision":
		return keyDIHardwareRevision
	case "SoftwareRevision":
		return keyDISoftwareRevision
	case "DeviceRevision":
		return keyDIDeviceRevision
	case "DeviceClass":
		return keyDIDeviceClass
	case "SerialNumber":
		return keyDISerialNumber
	case "ProductInstanceUri":
		return keyDIProductInstanceURI
	}
	return ""
}

func plateKeys() []discovery.Key {
	return []discovery.Key{
		keyDIManufacturer, keyDIManufacturerURI, keyDIModel, keyDIProductCode, keyDIHardwareRevision, keyDISoftwareRevision,
		keyDIDeviceRevision, keyDIDeviceClass, keyDISerialNumber, keyDIProductInstanceURI,
	}
}

// pathDevice is the piece of path of one of several devices of a server: its browse name.
const pathDevice = "di-device"

// Bounds on what is remembered of a conversation, and on what is read of one answer.
const (
	maxBrowses    = 4
	maxBrowsed    = 64  // nodes of a Browse request
	maxDevices    = 64  // of the DeviceSet
	maxPlateNodes = 512 // properties
	maxReferences = 256 // of one node
)

// nameplates is what browsing showed of devices and where their nameplates stand. Nodes are named by their keys, see nodeKey.
type nameplates struct {
	browses []browse
	devices map[string]string // node of a device -> its browse name
	plates  map[string]plate  // node of a property
}

// browse is a Browse request that waits for its answer.
type browse struct {
	request uint32
	nodes   []string
}

type plate struct {
	device string // browse name
	key    discovery.Key
}

// isDeviceSet knows the node in whatever place the namespace has.
func (n nodeID) isDeviceSet() bool { return n.numeric && n.namespace != 0 && n.id == nodeDeviceSet }

const deviceSetKey = "the DeviceSet"

// nodeKey names a NodeId however it is encoded; "" for one on another server.
func (r *reader) nodeKey() string {
	start := r.Offset()
	n := r.nodeID()
	switch {
	case r.Err() != nil || r.b[start]&0xc0 != 0:
		return ""
	case n.isDeviceSet():
		return deviceSetKey
	case n.numeric:
		return fmt.Sprintf("%d:%d", n.namespace, n.id)
	}
	return string(r.b[start:r.Offset()])
}

// rememberBrowse keeps a Browse request (OPC 10000-4 clause 5.9.2) for the DeviceSet or its devices.
func (p *nameplates) rememberBrowse(request uint32, r *reader) error {
	p.browses = slices.DeleteFunc(p.browses, func(b browse) bool { return b.request == request })
	r.requestHeader()
	r.nodeID()    // view
	r.Skip(8 + 4) // its time and version
	r.Skip(4)     // references for each node
	b := browse{request: request}
	matters := false
	for range r.count(1) {
		node := r.nodeKey()
		r.Skip(4) // direction
		r.nodeID()
		r.Skip(1 + 4 + 4) // subtypes, classes, fields
		if r.Err() != nil {
			break
		}
		_, device := p.devices[node]
		matters = matters || device || node == deviceSetKey
		if len(b.nodes) < maxBrowsed {
			b.nodes = append(b.nodes, node)
		}
	}
	if matters {
		if len(p.browses) == maxBrowses {
			p.browses = slices.Delete(p.browses, 0, 1)
		}
		p.browses = append(p.browses, b)
	}
	return r.problem("browse request")
}

func (p *nameplates) pending(request uint32) int {
	return slices.IndexFunc(p.browses, func(b browse) bool { return b.request == request })
}

// browsed notes what the answer to a Browse request shows.
func (p *nameplates) browsed(request uint32, r *reader) error {
	i := p.pending(request)
	if i < 0 {
		return nil
	}
	nodes := p.browses[i].nodes
	p.browses = slices.Delete(p.browses, i, i+1)
	results, err := r.browseAnswer()
	for k, references := range results[:min(len(results), len(nodes))] {
		device, known := p.devices[nodes[k]]
		for _, ref := range references {
			switch key := plateKey(ref.name); {
			case ref.node == "":
			case nodes[k] == deviceSetKey && ref.class == classObject && len(p.devices) < maxDevices:
				if p.devices == nil {
					p.devices = map[string]string{}
				}
				p.devices[ref.node] = ref.name
			case known && key != "" && ref.class == classVariable && len(p.plates) < maxPlateNodes:
				if p.plates == nil {
					p.plates = map[string]plate{}
				}
				p.plates[ref.node] = plate{device, key}
			}
		}
	}
	return err
}

// reference is one of an answer to Browse.
type reference struct {
	encoded []byte // the NodeId; a view into the input
	node    string
	name    string // browse name, without its namespace
	class   int32
}

// Node classes (OPC 10000-3 clause 8.29).
const (
	classObject   = 1
	classVariable = 2
)

// browseAnswer reads the references of each node in a BrowseResponse (OPC 10000-4 clause 5.9.2). What was read before an error is given
// too.
func (r *reader) browseAnswer() ([][]reference, error) {
	if isBad(r.responseHeader()) {
		return nil, r.problem("browse answer")
	}
	var out [][]reference
	for range r.count(1) {
		r.Skip(4) // status
		r.bytes() // continuation point
		var list []reference
		for range r.count(1) {
			r.nodeID() // type of the reference
			r.Skip(1)  // forward
			start := r.Offset()
			ref := reference{node: r.nodeKey()}
			if r.Err() == nil {
				ref.encoded = r.b[start:r.Offset()]
			}
			r.Skip(2) // namespace
			ref.name = r.string()
			r.localizedText()
			ref.class = r.int32()
			r.nodeID() // type of the node
			if r.Err() != nil {
				break
			}
			if len(list) < maxReferences {
				list = append(list, ref)
			}
		}
		if len(out) < maxBrowsed {
			out = append(out, list)
		}
		if r.Err() != nil {
			break
		}
	}
	return out, r.problem("browse answer")
}

// subject is where the nameplate of a device belongs: one that is alone in the DeviceSet is the server's own.
func (p *nameplates) subject(server discovery.Subject, device string) discovery.Subject {
	if len(p.devices) == 1 {
		return server
	}
	return server.At(pathDevice, device)
}
