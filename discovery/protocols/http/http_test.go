package http

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func flow() discovery.Flow {
	return discovery.Flow{
		Ends:  [2]discovery.Subject{{IP: netip.MustParseAddr("192.0.2.9")}, {IP: netip.MustParseAddr("192.0.2.1")}},
		Ports: [2]uint16{49152, 80}, Transport: discovery.TCP,
	}
}

func server(text string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Server, Bytes: []byte(strings.ReplaceAll(text, "\n", "\r\n"))}
}

func client(text string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Client, Bytes: []byte(strings.ReplaceAll(text, "\n", "\r\n"))}
}

const (
	get      = "GET / HTTP/1.1\nHost: press-3.plant.example:80\nUser-Agent: curl/8.5.0\nAuthorization: Basic c2VjcmV0\nCookie: a=b\n\n"
	head     = "HEAD / HTTP/1.1\nHost: 192.0.2.1\n\n"
	post     = "POST /small HTTP/1.1\nHost: 192.0.2.1\nContent-Length: 14\n\nGET / HTTP/1.1"
	getSmall = "GET /small HTTP/1.1\nHost: 192.0.2.1\n\n"
	getGzip  = "GET /gzip HTTP/1.1\nHost: 192.0.2.1\n\n"
	getZlib  = "GET /deflate HTTP/1.1\nHost: 192.0.2.1\n\n"
	getLock  = "GET /secret HTTP/1.1\nHost: 192.0.2.1\n\n"
)

// wantPeer is what the panel tells, whatever the order of the pages.
var wantPeer = []string{
	"192.0.2.1 (said by 192.0.2.9): http.host = press-3.plant.example",
	"192.0.2.1: http.powered-by = ACME OS 7",
	`192.0.2.1: http.realm = Panel, "A"`,
	"192.0.2.1: http.realm = Schneider Web",
	"192.0.2.1: http.server = ACME-Web/2.1",
	"192.0.2.1: http.title = Page in /deflate",
	"192.0.2.1: http.title = Page in /gzip",
	"192.0.2.1: http.title = Press 3",
	"192.0.2.1: http.title = Small page",
	"192.0.2.9: http.user-agent = curl/8.5.0",
}

// TestPeer reads what Go's own server and client say: kept alive, pipelined, chunked, compressed, without a body.
func TestPeer(t *testing.T) {
	for name, pipelined := range map[string]bool{"one_by_one": false, "pipelined": true} {
		t.Run(name, func(t *testing.T) {
			messages := talk(t, pipelined, get, head, get, post, getLock, head, getGzip, getZlib, getSmall, getLock)
			got, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: messages})
			slices.Sort(got)
			if diff := cmp.Diff(wantPeer, got); diff != "" || len(problems) > 0 {
				t.Errorf("problems %v, told (-want +got):\n%s", problems, diff)
			}
			t.Run("server_alone", func(t *testing.T) {
				half := slices.DeleteFunc(slices.Clone(messages), func(m discoverytest.Message) bool { return m.Side == discovery.Client })
				got, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: half})
				slices.Sort(got)
				if diff := cmp.Diff(wantPeer[1:len(wantPeer)-1], got); diff != "" || len(problems) > 0 {
					t.Errorf("problems %v, told (-want +got):\n%s", problems, diff)
				}
			})
		})
	}
}

func TestSuite(t *testing.T) {
	discoverytest.Run(
		t, Protocol(),
		discoverytest.Sample{
			Name: "kept_alive", Flow: flow(),
			Messages: []discoverytest.Message{
				client(get), server("HTTP/1.1 200 OK\nServer: Schneider-WEB/V2.1.4\nContent-Type: text/html\nContent-Length: 31\n\n<TITLE>1747-L551 Page</TITLE>.."),
				client(get), server("HTTP/1.1 401 Unauthorized\nServer: Schneider-WEB/V2.1.4\nWWW-Authenticate: Basic realm=Panel\nContent-Length: 0\n\n"),
				client(head), server("HTTP/1.1 200 OK\nContent-Length: 5000\n\n"),
				client(get), server("HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5;x=y\n<titl\n9\ne>RT</tit\n3\nle>\n0\nTrailer: x\n\n"),
				client(get), server("HTTP/1.0 200 OK\n\nup to the end <title>B426</title>"),
			},
			Want: []string{
				"192.0.2.9: http.user-agent = curl/8.5.0", "192.0.2.1 (said by 192.0.2.9): http.host = press-3.plant.example",
				"192.0.2.1: http.server = Schneider-WEB/V2.1.4", "192.0.2.1: http.title = 1747-L551 Page", "192.0.2.1: http.realm = Panel",
				"192.0.2.1: http.title = RT", "192.0.2.1: http.title = B426",
			},
		},
		discoverytest.Sample{
			Name: "server_alone", Flow: flow(), // the second answers a HEAD
			Messages: []discoverytest.Message{
				server("HTTP/1.1 200 OK\nServer: MoxaHttp/2.3\nContent-Length: 5\n\nHTTP/"),
				server("HTTP/1.1 200 OK\nContent-Length: 900\n\n"), server("HTTP/1.1 200 OK\nServer: MWS 0.01\nContent-Length: 0\n\n"),
			},
			Want: []string{"192.0.2.1: http.server = MoxaHttp/2.3", "192.0.2.1: http.server = MWS 0.01"},
		},
	)
}

func TestConversation(t *testing.T) {
	late := func(text string) discoverytest.Message {
		m := server(text)
		m.Gap = 1
		return m
	}
	film := discoverytest.Message{Side: discovery.Server, Bytes: make([]byte, 64<<10)}
	films := append([]discoverytest.Message{late("\x00")}, slices.Repeat([]discoverytest.Message{film}, 17)...)
	ok := "HTTP/1.1 200 OK\nServer: ACME\nContent-Length: 0\n\n"
	for _, c := range []struct {
		name     string
		messages []discoverytest.Message
		want     []string
		problems int
	}{
		{"binary", []discoverytest.Message{client("\x03\x00\x00\x16"), server(ok)}, nil, 1},
		{"binary_server", []discoverytest.Message{server("\x15\x03\x01"), client(get)}, nil, 1},
		{"rtsp", []discoverytest.Message{client("OPTIONS rtsp://192.0.2.1/ RTSP/1.0\n\n"), server(ok)}, nil, 1},
		{"http_2", []discoverytest.Message{client("PRI * HTTP/2.0\n\nSM\n\n"), server(ok)}, nil, 1},
		{"joined_late", []discoverytest.Message{late("a body \xff"), server(ok)}, []string{"192.0.2.1: http.server = ACME"}, 0},
		{"joined_late_and_never_http", films, nil, 1},
		{"lines_without_cr", []discoverytest.Message{{Side: discovery.Server, Bytes: []byte("HTTP/1.0 200\nSERVER:ACME\n\n<title>x y</title>")}}, []string{"192.0.2.1: http.server = ACME", "192.0.2.1: http.title = x y"}, 0},
		{"behind_a_proxy", []discoverytest.Message{client("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"), server(ok), client(head), server(ok)}, []string{"192.0.2.1: http.server = ACME"}, 0},
		{"tunnel", []discoverytest.Message{client("CONNECT a.example:443 HTTP/1.1\n\n"), server("HTTP/1.1 200 OK\n\n"), client("\x16\x03"), server(ok)}, nil, 0},
		{"upgrade", []discoverytest.Message{client(head), server("HTTP/1.1 101 Switching Protocols\n\n"), client("\x81\x00"), server(ok)}, nil, 0},
		{"gap_in_a_body", []discoverytest.Message{
			server("HTTP/1.1 200 OK\nContent-Length: 20\n\n01234"), {Side: discovery.Server, Gap: 10, Bytes: []byte("56789")}, server(ok),
		}, []string{"192.0.2.1: http.server = ACME"}, 0},
		{"gap_over_the_end", []discoverytest.Message{
			server("HTTP/1.1 200 OK\nContent-Length: 20\n\n01234"), {Side: discovery.Server, Gap: 100, Bytes: []byte("56789")}, server(ok),
		}, []string{"192.0.2.1: http.server = ACME"}, 0},
		{"body_longer_than_told", []discoverytest.Message{server("HTTP/1.1 200 OK\nContent-Length: 2\n\n0123456"), server(ok)}, []string{"192.0.2.1: http.server = ACME"}, 1},
		{"no_chunks", []discoverytest.Message{server("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nzz\n"), server(ok)}, []string{"192.0.2.1: http.server = ACME"}, 1},
		{"endless_head", []discoverytest.Message{server("HTTP/1.1 200 OK\nServer: ACME\n" + strings.Repeat("X: y\n", 4000)), server(ok)}, []string{"192.0.2.1: http.server = ACME"}, 1},
		{"titles_of_errors", []discoverytest.Message{
			server("HTTP/1.1 404 x\nContent-Length: 24\n\n<title>No device</title>"), server("HTTP/1.1 200 x\nContent-Length: 27\n\n<title>Error 404!</title>  "),
		}, nil, 0},
		{"images", []discoverytest.Message{server("HTTP/1.1 200 x\nContent-Type: image/svg+xml\n\n<title>Pump</title>")}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: c.messages})
			if diff := cmp.Diff(c.want, lines); diff != "" || len(problems) != c.problems {
				t.Errorf("problems %v, told (-want +got):\n%s", problems, diff)
			}
		})
	}
}

func TestTitles(t *testing.T) {
	for name, c := range map[string]struct{ page, want string }{
		"entities":    {"<title>ServerView&reg;&nbsp;Remote &amp; more</title>", "ServerView® Remote & more"},
		"latin_1":     {"<title>T\xfcr \x96 Nord</title>", "Tür Nord"},
		"utf_8":       {"<title>Tür Nord</title>", "Tür Nord"},
		"utf_16":      {"\xff\xfe<\x00t\x00i\x00t\x00l\x00e\x00>\x00P\x003\x00<\x00/\x00t\x00i\x00t\x00l\x00e\x00>\x00", "P3"},
		"gb_18030":    {"<title>\xd4\xb6\xb3\xcc DS-2CD2 \xb9\xdc</title>", "DS-2CD2"},
		"empty":       {"<title> </title>", ""},
		"generic":     {"<title>301 Moved Permanently</title>", ""},
		"tag_in_it":   {"<title>A <b>B</title>", "A <b>B"},
		"first_alone": {"<<titles><title>A1</title><title>B2</title>", "A1"},
		"too_long":    {"<title>" + strings.Repeat("a", 600) + "</title>", ""},
		"too_late":    {strings.Repeat(" ", maxPage) + "<title>A1</title>", ""},
		"never_ends":  {"<title>A1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			lines, _ := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: []discoverytest.Message{
				server("HTTP/1.1 200 OK\n\n"), {Side: discovery.Server, Bytes: []byte(c.page)},
			}})
			var want []string
			if c.want != "" {
				want = []string{"192.0.2.1: http.title = " + c.want}
			}
			if diff := cmp.Diff(want, lines); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRealm(t *testing.T) {
	for text, want := range map[string][]string{
		`Basic realm="NetPing 2/PWR-220 v12/ETH"`:          {"NetPing 2/PWR-220 v12/ETH"},
		`Digest qop="auth",Realm = "a\"b", Basic realm=c,`: {`a"b`, "c"},
		`Basic realm="not closed`:                          {"not closed"},
		`Negotiate`:                                        nil,
		`Basic myrealm="x"`:                                nil,
		`Basic realm`:                                      nil,
	} {
		var got []string
		for rest := []byte(text); len(rest) > 0; {
			var value []byte
			if value, rest = realm(rest); len(value) > 0 {
				got = append(got, string(value))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}

// TestNTLM reads the CHALLENGE_MESSAGE of MS-NLMP section 4.2.4.3.
func TestNTLM(t *testing.T) {
	const token = "TlRMTVNTUAACAAAADAAMADgAAAAzgoriASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUAcgACAAwARABvAG0AYQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAA="
	for _, scheme := range []string{"NTLM", "Negotiate"} {
		got, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: []discoverytest.Message{
			server("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: " + scheme + " " + token + "\nWWW-Authenticate: NTLM\nContent-Length: 0\n\n"),
			server("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: " + scheme + " " + token[:40] + "\nContent-Length: 0\n\n"),
		}})
		want := []string{
			"192.0.2.1: http.ntlm-target-name = Server", "192.0.2.1: http.ntlm-computer-name = Server", "192.0.2.1: http.ntlm-domain = Domain",
			"192.0.2.1: http.ntlm-version = 6.0.6000",
		}
		if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
			t.Errorf("problems %v, told (-want +got):\n%s", problems, diff)
		}
	}
}

func TestHostName(t *testing.T) {
	for text, want := range map[string]string{
		"press-3": "press-3", "press-3:8080": "press-3", "Press_3.example.": "Press_3.example", "192.0.2.1": "", "192.0.2.1:80": "", "[2001:db8::a]:80": "",
		"localhost": "", "": "", "a b": "", ":80": "",
	} {
		if got := string(hostName([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestClaims(t *testing.T) {
	for first, want := range map[string]bool{
		"GET / HTTP/1.1\r\nHost: x": true, "HTTP/1.0 200 OK\r\n": true, "POST /a HTTP/1.0\n": true, "M-POST /a HTTP/1.1\r\n": true, "HTTP/1.1 200\r\n": true,
		"GET /" + strings.Repeat("a", 1400): true, "OPTIONS rtsp://x RTSP/1.0\r\n": false, "GET / HTTP/2.0\r\n": false, "HTTP/1.1 ok\r\n": false,
		"GET": false, "QUIT\r\n": false, "\x03\x00\x00\x16": false, "": false, "NOTIFY sip:a SIP/2.0\r\n": false,
	} {
		if got := Protocol().Claims([]byte(first)); got != want {
			t.Errorf("%.40q: %v, want %v", first, got, want)
		}
	}
}

// TestPollsAllocateNothing: a client that asks for the same page again and again.
func TestPollsAllocateNothing(t *testing.T) {
	s := discovery.Stream{Decoder: Protocol().Decode(flow())}
	ask, answer := client(get).Bytes, server("HTTP/1.1 200 OK\nServer: ACME\nContent-Type: text/html\nContent-Length: 20\n\n<title>A17</title>..").Bytes
	told := 0
	sink := discovery.SinkFunc(func(discovery.Observation) { told++ })
	poll := func() {
		s.Feed(discovery.Client, time.Time{}, ask, 0, sink, nil)
		s.Feed(discovery.Server, time.Time{}, answer, 0, sink, nil)
	}
	if n := testing.AllocsPerRun(100, poll); n > 0 || told != 4 {
		t.Errorf("%v allocations a poll, told %d times", n, told)
	}
}

// TestCapture reads a public capture; what it must tell stands in its truth file.
func TestCapture(t *testing.T) {
	var all []string
	for _, s := range discoverytest.Capture(t, "mdns-http-ftp-ssh-services.pcap", discovery.TCP, 80) {
		lines, problems := discoverytest.Read(t, Protocol(), s)
		if len(problems) > 0 {
			t.Errorf("%s: %v", s.Name, problems)
		}
		all = append(all, lines...)
	}
	for _, want := range []string{
		"00:0c:29:bd:6f:01 172.16.238.131: http.server = Apache/2.2.17 (Ubuntu)", "00:50:56:fd:dc:57 74.125.225.81: http.server = gws",
		"00:50:56:fd:dc:57 74.125.225.81: http.server = Golfe",
		"00:50:56:c0:00:08 172.16.238.1: http.user-agent = Mozilla/5.0 (Macintosh; Intel Mac OS X 10_6_8) AppleWebKit/534.30 (KHTML, like Gecko) Chrome/12.0.742.100 Safari/534.30",
		"00:0c:29:bd:6f:01 172.16.238.131: http.user-agent = Mozilla/5.0 (X11; Linux i686; rv:5.0) Gecko/20100101 Firefox/5.0",
	} {
		if !slices.Contains(all, want) {
			t.Errorf("missing %q in %q", want, all)
		}
	}
}
