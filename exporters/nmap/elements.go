package nmap

import "encoding/xml"

// The elements of nmap.dtd that are written, with the attributes that it requires.

type host struct {
	XMLName   xml.Name      `xml:"host"`
	Start     int64         `xml:"starttime,attr"`
	End       int64         `xml:"endtime,attr"`
	Status    status        `xml:"status"`
	Addresses []hostAddress `xml:"address"`
	Names     []hostname    `xml:"hostnames>hostname"`
	Ports     *[]port       `xml:"ports>port"`
	OS        *osMatches    `xml:"os"`
	Script    script        `xml:"hostscript>script"`
}

type status struct {
	State  string `xml:"state,attr"`
	Reason string `xml:"reason,attr"`
	TTL    string `xml:"reason_ttl,attr"`
}

type hostAddress struct {
	Addr   string `xml:"addr,attr"`
	Type   string `xml:"addrtype,attr"`
	Vendor string `xml:"vendor,attr,omitempty"`
}

type hostname struct {
	Name string `xml:"name,attr"`
	Type string `xml:"type,attr"`
}

type port struct {
	Protocol string   `xml:"protocol,attr"`
	ID       uint16   `xml:"portid,attr"`
	State    state    `xml:"state"`
	Service  *service `xml:"service"`
}

type state status

type service struct {
	Name   string `xml:"name,attr"`
	Method string `xml:"method,attr"`
	Conf   int    `xml:"conf,attr"` // 0 to 10
}

type osMatches struct {
	Match osMatch `xml:"osmatch"`
}

type osMatch struct {
	Name     string    `xml:"name,attr"`
	Accuracy int       `xml:"accuracy,attr"` // per cent
	Line     int       `xml:"line,attr"`
	Classes  []osClass `xml:"osclass"`
}

type osClass struct {
	Type     string   `xml:"type,attr,omitempty"`
	Vendor   string   `xml:"vendor,attr"`
	Family   string   `xml:"osfamily,attr"`
	Accuracy int      `xml:"accuracy,attr"`
	CPE      []string `xml:"cpe"`
}

type script struct {
	ID       string    `xml:"id,attr"`
	Output   string    `xml:"output,attr"`
	Elements []element `xml:"elem"`
}

type element struct {
	Key   string `xml:"key,attr"`
	Value string `xml:",chardata"`
}
