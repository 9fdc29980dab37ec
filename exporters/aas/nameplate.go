package aas

import "cmp"

type submodel struct {
	ModelType string    `json:"modelType"`
	ID        string    `json:"id"`
	IDShort   string    `json:"idShort"`
	Kind      string    `json:"kind"`
	Semantic  reference `json:"semanticId"`
	Elements  []element `json:"submodelElements"`
}

// element is a property, a property in several languages, or a collection. Its value is left out where it is not known.
type element struct {
	ModelType string    `json:"modelType"`
	IDShort   string    `json:"idShort"`
	Semantic  reference `json:"semanticId"`
	ValueType string    `json:"valueType,omitempty"`
	Value     any       `json:"value,omitempty"`
}

// field is an element of the template: its name, its concept in the IEC Common Data Dictionary, and whether it must be there.
type field struct {
	name, concept string
	kind          kind
	must          bool
	value         string
}

// kind is the model type of an element.
type kind int

const (
	property   kind = iota // xs:string
	uri                    // xs:anyURI
	languages              // in several languages, of which there is one
	collection             // of which nothing is known
)

// nameplateOf fills the submodel (IDTA 02006-3-0, section 3.1).
func nameplateOf(t thing) submodel {
	i := t.identity
	s := submodel{
		ModelType: "Submodel", ID: nameplateID(t), IDShort: "Nameplate", Kind: "Instance",
		Semantic: concept("https://admin-shell.io/idta/nameplate/3/0/Nameplate"),
	}
	for _, f := range []field{
		{"URIOfTheProduct", "0112/2///61987#ABN590#002", uri, true, t.uri},
		{"ManufacturerName", "0112/2///61987#ABA565#009", languages, true, i.Vendor},
		{"ManufacturerProductDesignation", "0112/2///61987#ABA567#009", languages, true, cmp.Or(i.Model, i.Family)},
		{"AddressInformation", "https://admin-shell.io/zvei/nameplate/1/0/ContactInformations/AddressInformation", collection, true, ""},
		{"ManufacturerProductFamily", "0112/2///61987#ABP464#002", languages, false, i.Family},
		{"ManufacturerProductType", "0112/2///61987#ABA300#008", property, false, i.Model},
		{"OrderCodeOfManufacturer", "0112/2///61987#ABA950#008", property, true, i.OrderNumber},
		{"SerialNumber", "0112/2///61987#ABA951#009", property, false, i.Serial},
		{"HardwareVersion", "0112/2///61987#ABA926#008", property, false, i.Hardware},
		{"FirmwareVersion", "0112/2///61987#ABA302#006", property, false, cmp.Or(i.Firmware, i.FirmwareRaw)},
		{"SoftwareVersion", "0112/2///61987#ABA601#008", property, false, i.Software},
	} {
		value := text(f.value)
		if value == "" && !f.must {
			continue
		}
		e := element{IDShort: f.name, Semantic: concept(f.concept)}
		switch f.kind {
		case property, uri:
			e.ModelType, e.ValueType = "Property", "xs:string"
			if f.kind == uri {
				e.ValueType = "xs:anyURI"
			}
			if value != "" {
				e.Value = value
			}
		case languages:
			e.ModelType = "MultiLanguageProperty"
			if value != "" {
				e.Value = []langString{{"en", value}}
			}
		case collection:
			e.ModelType = "SubmodelElementCollection"
		}
		s.Elements = append(s.Elements, e)
	}
	return s
}

func concept(id string) reference {
	return reference{"ExternalReference", []key{{"GlobalReference", id}}}
}
