package profinet

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// answering answers the endpoint mapper and reads of I&M 0 as real ones do, as far as captures show it.
func answering(t *testing.T) func(net.Conn) {
	return func(conn net.Conn) {
		buffer := make([]byte, 2000)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			c, err := parseCall(buffer[:n])
			if err != nil {
				t.Errorf("asked % x: %v", buffer[:n], err)
				return
			}
			switch {
			case c.face == interfaceEPM && c.operation == operationLookup:
				_, err = conn.Write(message{kind: kindResponse, face: mapperInterface, operation: operationLookup, body: lookup()}.bytes(t))
			case c.face == interfaceDevice() && c.operation == operationReadImplicit:
				if id, ok := c.object.object(); !ok || id != (ID{Vendor: 0x002a, Device: 0x010e}) {
					t.Errorf("read from the object %s", c.object)
				}
				body := array(readHeadBlock("0000", "0001", "aff0"), im0("6ES7 131-6BF00-0BA0", "S C-1234567", "0003", "56 040201"))
				_, err = conn.Write(message{kind: kindResponse, order: littleEndian, operation: operationReadImplicit, body: body}.bytes(t))
			}
			if err != nil {
				return
			}
		}
	}
}

func TestAsk(t *testing.T) {
	known := map[discovery.Key]string{KeyVendorID: "0x002a", KeyDeviceID: "0x010e"}
	for name, c := range map[string]struct {
		allowed  []string
		known    map[discovery.Key]string
		requests []string
		told     []string
	}{
		"nothing allowed": {nil, known, nil, nil},
		"both": {
			[]string{"profinet"},
			nil,
			[]string{requestLookup, requestIM0},
			[]string{"profinet.epm-order-id = 6ES7 672-5DC01-0YA0", "profinet.epm-software-revision = V2.1.7", "profinet.im-serial-number = S C-1234567"},
		},
		"record alone, id known":     {[]string{requestIM0}, known, []string{requestIM0}, []string{"profinet.im-order-id = 6ES7 131-6BF00-0BA0"}},
		"record alone, id not known": {[]string{requestIM0}, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Serve: answering(t), Allowed: c.allowed, Known: c.known})
			if got.Err != nil || !slices.Equal(got.Requests(), c.requests) || len(got.Problems) > 0 {
				t.Errorf("sent %v, error %v, problems %v", got.Requests(), got.Err, got.Problems)
			}
			for _, line := range c.told {
				if !strings.Contains(strings.Join(got.Lines, "\n"), line) {
					t.Errorf("not told: %s in %q", line, got.Lines)
				}
			}
		})
	}
}
