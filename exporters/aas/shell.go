package aas

import (
	"cmp"

	"github.com/walkdown-ot/walkdown/inventory"
)

// thing is an asset, or a part of one.
type thing struct {
	id       string
	asset    inventory.Asset
	identity inventory.Identity
	name     string
	uri      string // by which the product is known all over the world
	part     bool
}

type reference struct {
	Type string `json:"type"`
	Keys []key  `json:"keys"`
}

type key struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type langString struct {
	Language string `json:"language"`
	Text     string `json:"text"`
}

type shell struct {
	ModelType   string           `json:"modelType"`
	ID          string           `json:"id"`
	DisplayName []langString     `json:"displayName,omitempty"`
	Extensions  []extension      `json:"extensions,omitempty"`
	Information assetInformation `json:"assetInformation"`
	Submodels   []reference      `json:"submodels"`
}

type extension struct {
	Name      string `json:"name"`
	ValueType string `json:"valueType"`
	Value     string `json:"value"`
}

type assetInformation struct {
	Kind     string            `json:"assetKind"`
	Global   string            `json:"globalAssetId"`
	Type     string            `json:"assetType,omitempty"`
	Specific []specificAssetID `json:"specificAssetIds,omitempty"`
}

type specificAssetID struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func shellOf(t thing, mark string) shell {
	s := shell{
		ModelType: "AssetAdministrationShell", ID: "urn:walkdown:aas:" + t.id,
		Extensions:  []extension{{"tlp", "xs:string", mark}},
		Information: assetInformation{Kind: "Instance", Global: cmp.Or(t.uri, "urn:walkdown:asset:"+t.id), Type: text(t.identity.Type)},
		Submodels:   []reference{{"ModelReference", []key{{"Submodel", nameplateID(t)}}}},
	}
	const longestName = 128
	if name := text(t.name); name != "" && len(name) <= longestName {
		s.DisplayName = []langString{{"en", name}}
	}
	add := func(name, value string) {
		if value = text(value); value != "" {
			s.Information.Specific = append(s.Information.Specific, specificAssetID{name, value})
		}
	}
	add("serialNumber", t.identity.Serial)
	add("orderNumber", t.identity.OrderNumber)
	add("walkdown", t.id)
	if !t.part {
		for _, address := range t.asset.Addresses {
			add("macAddress", address.MAC)
		}
		for _, address := range t.asset.Addresses {
			add("ipAddress", address.IP)
		}
		add("site", t.asset.Site)
		add("segment", t.asset.Segment)
		add("zone", t.asset.Annotations["zone"])
		add("assetNumber", t.asset.Annotations["asset_number"])
	}
	return s
}

func nameplateID(t thing) string { return "urn:walkdown:aas:" + t.id + ":nameplate" }
