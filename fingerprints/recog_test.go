package fingerprints

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/walkdown-ot/walkdown/discovery"
)

// recogFile is written after the schema of Recog; the devices are made up.
const recogFile = `<?xml version="1.0"?>
<fingerprints matches="snmp.sys_description" protocol="snmp" database_type="service">
  <fingerprint pattern="^ACME Gizmo (GZ-\d+) fw ([\d.]+) sn (\S+)$" flags="REG_ICASE">
    <description>ACME Gizmo</description>
    <example hw.product="GZ-4">ACME Gizmo GZ-4 fw 1.2 sn A77</example>
    <param pos="0" name="hw.vendor" value="Advantech"/>
    <param pos="1" name="hw.product"/>
    <param pos="2" name="os.version"/>
    <param pos="3" name="hw.serial_number"/>
    <param pos="0" name="hw.device" value="Device Server"/>
    <param pos="0" name="os.cpe23" value="cpe:/o:acme:gizmo:{os.version}"/>
  </fingerprint>
  <fingerprint pattern="^Works OS (\d+)(?= build)"><param pos="0" name="os.product" value="Works OS"/></fingerprint>
  <fingerprint pattern="^Plain OS (\d+)$"><param pos="0" name="os.product" value="Plain OS"/><param pos="1" name="os.version"/></fingerprint>
  <fingerprint pattern="^Moxa (NPort \w+)"><param pos="0" name="hw.vendor" value="Lantronix"/><param pos="0" name="hw.product" value="Wrong"/></fingerprint>
  <fingerprint pattern="^nothing"><param pos="0" name="cookie" value="x"/></fingerprint>
</fingerprints>`

func TestRecog(t *testing.T) {
	engine, err := New(Options{Rules: fstest.MapFS{
		"snmp_sysdescr.xml": {Data: []byte(recogFile)},
		"mysql.xml":         {Data: []byte(`<fingerprints matches="mysql.error"><fingerprint pattern="x"/></fingerprints>`)},
		"ssh.xml":           {Data: []byte(`<fingerprints matches="ssh.banner"><fingerprint pattern="^Gizmo-(\d+)$"><param pos="0" name="service.product" value="Gizmo SSH"/><param pos="1" name="service.version"/></fingerprint></fingerprints>`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if engine.Skipped() != 1 || engine.Version().Recog != 4 || engine.Version().Own != 0 {
		t.Errorf("%d skipped, %+v", engine.Skipped(), engine.Version())
	}
	for name, c := range map[string]struct {
		said []discovery.Fact
		want map[discovery.Key]string
		most float32 // how sure
	}{
		"device": {
			say("snmp.sysDescr", "acme gizmo GZ-4 fw 1.2 sn A7710"),
			map[discovery.Key]string{
				discovery.KeyVendor: "Advantech", discovery.KeyModel: "GZ-4", discovery.KeyFirmware: "1.2", discovery.KeySerial: "A7710",
				discovery.KeyType: "serial-server",
			},
			recogHardware,
		},
		"system":          {say("snmp.sysDescr", "Plain OS 7"), map[discovery.Key]string{discovery.KeyOS: "Plain OS 7"}, recogSystem},
		"ssh":             {say("ssh.server-version", "SSH-2.0-Gizmo-3"), map[discovery.Key]string{discovery.KeySoftware: "Gizmo SSH 3"}, recogService},
		"ours_goes_first": {say("snmp.sysDescr", "Moxa NPort 5110"), map[discovery.Key]string{discovery.KeyVendor: "Moxa", discovery.KeyModel: "NPort 5110"}, 1},
	} {
		got := engine.Identify(c.said)
		for key, want := range c.want {
			if f := best(got, key); f.Value != want || f.Confidence > c.most {
				t.Errorf("%s: %s is %q (%.2f by %s), want %q", name, key, f.Value, f.Confidence, f.Rule, want)
			}
		}
	}
	// Recog contradicts nobody.
	without := mustDefault(t).Identify(say("snmp.sysDescr", "Moxa NPort 5110"))
	with := engine.Identify(say("snmp.sysDescr", "Moxa NPort 5110"))
	if a, b := best(without, discovery.KeyVendor).Confidence, best(with, discovery.KeyVendor).Confidence; a != b {
		t.Errorf("the vendor was %.2f sure and is %.2f beside Recog", a, b)
	}
}

func TestRecogMistakes(t *testing.T) {
	for name, text := range map[string]string{"not_xml": "Moxa", "other_xml": "<html/>", "cut": recogFile[:300]} {
		_, err := New(Options{Rules: fstest.MapFS{"x.xml": {Data: []byte(text)}}})
		var mistake *MistakeError
		if !errors.As(err, &mistake) || !strings.HasPrefix(mistake.Error(), "x.xml: no file of Recog") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
