package enip

import "github.com/walkdown-ot/walkdown/discovery"

// operation is what the client does with a service; 0 for what is not known, and for the opening and closing of connections.
func (q request) operation() discovery.Operations {
	if q.service < executePCCC {
		return q.service.operation()
	}
	switch {
	case q.path.tag, q.path.class == classSymbol, q.path.class == classTemplate:
		switch q.service {
		case readTag, readTagFragmented, getInstanceAttrList:
			return discovery.OpRead
		case writeTag, writeTagFragmented, readModifyWriteTag:
			return discovery.OpWrite
		}
	case q.path.class == classPCCC && q.service == executePCCC:
		if command, ok := parsePCCC(q.data); ok {
			return command.operation()
		}
	case q.path.class == classFile:
		switch q.service {
		case initiateUpload:
			return discovery.OpRead
		case initiateDownload, downloadTransfer, clearFile:
			return discovery.OpControl
		}
	case q.path.class == classNVS && q.service == nvsUpdate:
		return discovery.OpControl
	}
	return 0
}

// operation is that of a service which means the same for every class.
func (s Service) operation() discovery.Operations {
	switch s {
	case getAttributesAll, getAttributeList, getAttributeSingle, findNext, getMember:
		return discovery.OpRead
	case setAttributesAll, setAttributeList, setAttributeSingle, setMember, insertMember, removeMember:
		return discovery.OpWrite
	case reset, start, stop, create, deleteObject, restore, save:
		return discovery.OpControl
	}
	return 0
}
