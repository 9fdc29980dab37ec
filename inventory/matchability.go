package inventory

// Matchability says by what an asset can be matched to advisories, and what is missing before it can be matched well. Advisories
// name products by CPE (NVD), or by vendor, model or order number and a range of versions (the makers' own, in CSAF).
type Matchability struct {
	// By is what there is to match by: "cpe", "order_number", "model", "serial"; empty when the vendor is not known.
	By []string `json:"by,omitempty"`
	// Missing is what would have to be known: "vendor", "product" (a model or an order number), "firmware", "cpe" (the product is in
	// no reviewed table), "confidence" (vendor, product or version are not sure enough to be relied on).
	Missing []string `json:"missing,omitempty"`
}

// matchSure is how sure vendor, product and version must be for a match to be relied on.
const matchSure = 0.75

// MatchabilityOf looks at an identity.
func MatchabilityOf(id Identity) Matchability {
	var m Matchability
	product := ""
	for _, field := range []struct{ name, value string }{{"order_number", id.OrderNumber}, {"model", id.Model}} {
		if field.value != "" && (product == "" || id.Confidences[field.name] > id.Confidences[product]) {
			product = field.name
		}
	}
	if id.Vendor != "" {
		for _, field := range []struct{ name, value string }{
			{"cpe", id.CPE},
			{"order_number", id.OrderNumber},
			{"model", id.Model},
			{"serial", id.Serial},
		} {
			if field.value != "" {
				m.By = append(m.By, field.name)
			}
		}
	} else {
		m.Missing = append(m.Missing, "vendor")
	}
	if product == "" {
		m.Missing = append(m.Missing, "product")
	}
	if id.Firmware == "" {
		m.Missing = append(m.Missing, "firmware")
	}
	if id.CPE == "" {
		m.Missing = append(m.Missing, "cpe")
	}
	for _, field := range []string{"vendor", product, "firmware"} {
		if c, ok := id.Confidences[field]; ok && c < matchSure {
			m.Missing = append(m.Missing, "confidence")
			break
		}
	}
	return m
}
