package bacnet

import (
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// The answers of a device, as others of the tests have them from captures; # stands for the invoke id.
const (
	allProperties = "30 # 0e 0c 0200006f 1e 29 79 4e 75 06 00 'Delta' 4f 29 46 4e 75 09 00 'DSC-1280' 4f 29 2c 4e 75 06 00 '3.40.' 4f" +
		" 29 0c 4e 75 05 00 'V3.4' 4f 2a 0174 5e 91 02 91 20 5f 29 4d 4e 75 06 00 'AHU-1' 4f 29 78 4e 21 08 4f 29 1c 4e 75 05 00 'roof' 4f 29 8b 4e 21 04 4f 1f"
	refusedService = "60 # 09" // reject: unrecognized service
	tooLong        = "70 # 04" // abort: segmentation not supported
	unknownObject  = "50 # 0e 91 01 91 1f"
	unknownValue   = "50 # 0c 91 02 91 20" // unknown property
	modelName      = "30 # 0c 0c 0200006f 19 46 3e 75 09 00 'DSC-1280' 3f"
	behindModel    = "30 # 0e 0c 0200006f 1e 29 46 4e 75 06 00 'VAV-9' 4f 1f"
)

// answering is a device that answers a request, in hex from its NPDU on and without its invoke id, with NPDUs.
func answering(t *testing.T, reply func(request string) []string) func(net.Conn) {
	return func(conn net.Conn) {
		buffer := make([]byte, 2048)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			npdu, invoke := buffer[4:n], ""
			if at := strings.Index(string(npdu), "\x00\x05"); at >= 0 && len(npdu) > 6 {
				invoke = hex.EncodeToString(npdu[at+2 : at+3])
			}
			for _, body := range reply(hex.EncodeToString(npdu)) {
				_, _ = conn.Write(bvlc(t, originalUnicast, strings.ReplaceAll(body, "#", invoke)))
			}
		}
	}
}

func TestAsk(t *testing.T) {
	isAll := func(request string) bool { return strings.HasPrefix(request, "01040005") && request[10:12] == "0e" }
	asksFor := strings.HasSuffix
	singles := func(n int) []string { return slices.Repeat([]string{requestProperty}, n) }
	one := func(body string) []string { return []string{plain + body} }
	whole := func(request string) []string {
		switch {
		case isAll(request):
			return one(allProperties)
		case request == "018000":
			return []string{"01 80 01 07d1 0bb8"}
		case request == "012007d100ff1008":
			return []string{routed + isAm + "22 01e0 91 03 22 0104", "01 08 07d1 01 0b 10 00 c4 02000070 22 01e0 91 03 21 05"}
		case strings.HasPrefix(request, "012407d1010aff"):
			return []string{routed + behindModel}
		}
		return nil
	}
	itself := lines(self, "bacnet.device-instance = 111", "bacnet.vendor-name = Delta", "bacnet.model-name = DSC-1280", "bacnet.firmware-revision = 3.40.",
		"bacnet.application-software-version = V3.4", "bacnet.object-name = AHU-1", "bacnet.vendor-id = 8", "bacnet.description = roof", "bacnet.protocol-revision = 4")
	for name, c := range map[string]struct {
		reply   func(request string) []string
		known   map[discovery.Key]string
		allowed []string
		want    []string
		told    []string
		err     error
	}{
		"at_once": {reply: whole, want: []string{requestProperties}, told: itself},
		"one_by_one": {
			reply: func(request string) []string {
				switch {
				case isAll(request):
					return one(refusedService)
				case asksFor(request, "1946"):
					return one(modelName)
				}
				return one(unknownValue)
			},
			want: append([]string{requestProperties}, singles(10)...), told: lines(self, "bacnet.model-name = DSC-1280"),
		},
		"too_long_at_once": {
			reply: func(request string) []string {
				if isAll(request) {
					return one(tooLong)
				}
				return one(modelName)
			}, want: append([]string{requestProperties}, singles(10)...), told: lines(self, "bacnet.model-name = DSC-1280"),
		},
		"not_at_once_but_silent": {
			reply: func(request string) []string {
				if isAll(request) {
					return nil
				}
				return one(modelName)
			}, want: append([]string{requestProperties}, singles(10)...), told: lines(self, "bacnet.model-name = DSC-1280"),
		},
		"no_such_device": {reply: func(string) []string { return one(unknownObject) }, want: []string{requestProperties}},
		"refuses_all":    {reply: func(string) []string { return one(refusedService) }, want: append([]string{requestProperties}, singles(1)...)},
		"silent":         {reply: func(string) []string { return nil }, want: append([]string{requestProperties}, singles(1)...), err: discovery.ErrSilent},
		"garbled":        {reply: func(string) []string { return []string{"02 00"} }, want: []string{requestProperties}, err: discovery.ErrNotUnderstood},
		"chatter_between": {reply: func(request string) []string {
			return append([]string{plain + isAm + "22 01e0 91 03 22 0104"}, whole(request)...)
		}, want: []string{requestProperties}, told: itself},
		"known_instance": {
			known: map[discovery.Key]string{KeyDeviceInstance: "111"},
			reply: func(request string) []string {
				if !strings.Contains(request, "0c0200006f1e") {
					return nil
				}
				return one(allProperties)
			}, want: []string{requestProperties}, told: itself,
		},
		"known": {known: map[discovery.Key]string{KeyVendorName: "Delta", KeyModelName: "D", KeyFirmware: "3", KeyObjectName: "A"}},
		"router": {
			reply: whole, allowed: []string{"bacnet"},
			want: []string{requestProperties, requestRouter, requestWhoIs, requestPropertiesBehind, requestPropertiesBehind, requestWhoIs},
			told: slices.Concat(itself, lines(self, "bacnet.router-to-network = 2001", "bacnet.router-to-network = 3000"),
				lines(behind, "bacnet.device-instance = 111", "bacnet.vendor-id = 260", "bacnet.model-name = VAV-9"),
				lines(strings.Replace(behind, "=0a", "=0b", 1), "bacnet.device-instance = 112")),
		},
		"no_router": {
			reply: func(request string) []string {
				if isAll(request) {
					return one(allProperties)
				}
				return nil
			}, allowed: []string{"bacnet"}, want: []string{requestProperties, requestRouter}, told: itself,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reply := c.reply
				if reply == nil {
					reply = func(string) []string { return nil }
				}
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
					Target: discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr(self)}, Port: Port},
					Serve:  answering(t, reply), Known: c.known, Allowed: c.allowed, Timeout: 1e11,
				})
				if !slices.Equal(got.Requests(), c.want) || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil {
					t.Errorf("asked %q, error %v; want %q, %v", got.Requests(), got.Err, c.want, c.err)
				}
				for _, line := range c.told {
					if !slices.Contains(got.Lines, line) {
						t.Errorf("%q was not told, but:\n%s", line, strings.Join(got.Lines, "\n"))
					}
				}
			})
		})
	}
}
