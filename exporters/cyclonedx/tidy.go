package cyclonedx

import (
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// maxName is the longest name or version in bytes; the schema allows a version no more than 1024 characters.
const maxName = 1024

// text makes a value clean and short enough for a name or a version.
func text(value string) string {
	value = discovery.Text(value)
	if len(value) > maxName {
		value = strings.TrimSpace(strings.ToValidUTF8(value[:maxName], ""))
	}
	return value
}

// tidy cleans those texts of an asset that end in names, versions and references. Properties clean their own values.
func tidy(a inventory.Asset) inventory.Asset {
	a.Name, a.Identity = text(a.Name), tidyIdentity(a.Identity)
	a.Addresses = slices.Clone(a.Addresses)
	for i := range a.Addresses {
		a.Addresses[i].MAC, a.Addresses[i].IP = text(a.Addresses[i].MAC), text(a.Addresses[i].IP)
	}
	a.Services = slices.Clone(a.Services)
	for i := range a.Services {
		a.Services[i].Transport, a.Services[i].Protocol = text(a.Services[i].Transport), text(a.Services[i].Protocol)
	}
	a.Components = slices.Clone(a.Components)
	for i := range a.Components {
		part := &a.Components[i]
		part.Name, part.Identity = text(part.Name), tidyIdentity(part.Identity)
	}
	return a
}

func tidyIdentity(i inventory.Identity) inventory.Identity {
	for _, field := range []*string{
		&i.Vendor, &i.Family, &i.Model, &i.OrderNumber, &i.Serial, &i.Hardware, &i.Firmware, &i.FirmwareRaw, &i.Software, &i.OS, &i.Type, &i.CPE, &i.CPECandidate,
	} {
		*field = text(*field)
	}
	return i
}

func tidyConversation(c inventory.Conversation) inventory.Conversation {
	c.Transport, c.Protocol, c.ServerIP, c.ServerMAC = text(c.Transport), text(c.Protocol), text(c.ServerIP), text(c.ServerMAC)
	return c
}
