package fox

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// There is no station, simulator or capture to be had: the fields are those that public scan reports show.

const server1 = "192.0.2.1"

func flow() discovery.Flow {
	return discovery.Flow{
		Ends:  [2]discovery.Subject{{IP: netip.MustParseAddr("192.0.2.9")}, {IP: netip.MustParseAddr(server1)}},
		Ports: [2]uint16{40000, Port}, Transport: discovery.TCP,
	}
}

func say(side discovery.Side, text string) discoverytest.Message {
	return discoverytest.Message{Side: side, Bytes: []byte(text)}
}

const station = "fox a 0 -1 fox hello\n{\nfox.version=s:1.0.1\nid=i:12\nhostName=s:ahu-3\nhostAddress=s:192.0.2.1\napp.name=s:Station\napp.version=s:3.8.111\n" +
	"vm.name=s:Java HotSpot(TM) Client VM\nvm.version=s:1.5.0_34-b28\nos.name=s:QNX\nos.version=s:6.4.1\nstation.name=s:hall_4\nlang=s:en\n" +
	"timeZone=s:Europe/Berlin;3600000;3600000;02:00:00.000,wall\nhostId=s:Qnx-NPM6E-0000-15C5-9121\nvmUuid=s:11e98b97-b656-1ab2-0000-0000000040ad\nbrandId=s:vykon\n" +
	"sysInfo=o:bog 61[<bog version=\"1.0\"></bog>]\n};;\n"

func told() []string {
	var out []string
	for _, fact := range []string{
		"version = 1.0.1", "host-name = ahu-3", "host-address = 192.0.2.1", "app-name = Station", "app-version = 3.8.111",
		"vm-name = Java HotSpot(TM) Client VM", "vm-version = 1.5.0_34-b28", "os-name = QNX", "os-version = 6.4.1", "station-name = hall_4",
		"time-zone = Europe/Berlin", "host-id = Qnx-NPM6E-0000-15C5-9121", "brand-id = vykon",
	} {
		out = append(out, server1+": fox."+fact)
	}
	return out
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(), Want: want, Problems: problems, Messages: messages}
	}
	discoverytest.Run(
		t, Protocol(),
		sample(
			"session", 0, append([]string{"192.0.2.9: fox.version = 1.0", "192.0.2.9: fox.app-name = Workbench"}, told()...),
			say(discovery.Client, "fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\napp.name=s:Workbench\n};;\n"), say(discovery.Server, station),
			say(discovery.Client, "fox a 2 0 fox challenge\n{\n};;\n"), say(discovery.Server, "fox a 1 2 fox rejected\n{\n};;\n"),
		),
		sample("asked_by_us", 0, told(), say(discovery.Client, greeting), say(discovery.Server, station)),
		sample("other_message_first", 0, told(), say(discovery.Server, "fox a 1 2 fox challenge\n{\nx=s:y\n};;\n"), say(discovery.Server, station)),
		sample("no_fields", 0, nil, say(discovery.Server, "fox a 0 -1 fox hello\n{\nfox.version\n=s:\nid=1\n};;\n")),
		sample("not_fox", 1, nil, say(discovery.Server, "HTTP/1.1 400 Bad Request\r\n\r\n")),
		sample("endless", 1, nil, say(discovery.Server, "fox a 0 -1 fox hello\n{\n"+strings.Repeat("a=s:b\n", 4000))),
	)
}

func TestAsk(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		hangs  bool
		known  map[discovery.Key]string
		told   []string
		err    error
		sent   int
	}{
		"hello":   {answer: station, hangs: true, told: told(), sent: 1},
		"refuses": {answer: "fox a 1 1 fox rejected\n{\n};;\n", err: discovery.ErrNotUnderstood, sent: 1},
		"http":    {answer: "HTTP/1.1 400 Bad Request\r\n\r\n", err: discovery.ErrNotUnderstood, sent: 1},
		"silent":  {hangs: true, err: discovery.ErrSilent, sent: 1},
		"known":   {known: map[discovery.Key]string{KeyAppVersion: "3", KeyHostID: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
					Target: discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr(server1)}, Port: Port}, Known: c.known,
					Serve: func(conn net.Conn) {
						_, _ = conn.Read(make([]byte, 4096))
						_, _ = io.WriteString(conn, c.answer)
						if c.hangs {
							_, _ = io.Copy(io.Discard, conn)
						}
					},
				})
				if len(got.Sent) != c.sent || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil {
					t.Errorf("sent %d, error %v; want %d, %v", len(got.Sent), got.Err, c.sent, c.err)
				}
				if !slices.Equal(got.Lines, c.told) {
					t.Errorf("told:\n%s", strings.Join(got.Lines, "\n"))
				}
			})
		})
	}
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(station)
	f.Add(greeting + "\r\n fox a")
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, text string) {
		claims([]byte(text))
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: flow(), Messages: []discoverytest.Message{say(discovery.Server, text)}})
	})
}
