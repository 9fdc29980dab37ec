package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// list is a source.
type list []inventory.Event

func (l list) Events(_ context.Context, after int64, atMost int) ([]inventory.Event, error) {
	i := slices.IndexFunc(l, func(e inventory.Event) bool { return e.Number > after })
	if i < 0 {
		return nil, nil
	}
	return l[i:min(len(l), i+atMost)], nil
}

func (l list) LastEvent(context.Context) (int64, error) {
	if len(l) == 0 {
		return 0, nil
	}
	return l[len(l)-1].Number, nil
}

func firmware(number int64) inventory.Event {
	return inventory.Event{
		Number: number, Name: "press-3-cpu", IP: "10.0.0.1", MAC: "28:63:36:00:00:01", Site: "works", Segment: "cell-1",
		Change: inventory.Change{Time: noon, Survey: "s-2", Asset: "a-0000000000000001", Kind: inventory.Changed, Attribute: "firmware", Old: "2.8.1", New: "2.9.4"},
	}
}

// hostile has names as an attacker would give his device.
func hostile(number int64) inventory.Event {
	e := firmware(number)
	e.Name = "x\" foo=\"] y\r\n<0>1 - - forged - - -|sev=10\\"
	e.New = "a|b\\c=d]\n\x00\u202e" + strings.Repeat("ü", 500)
	return e
}

func TestLines(t *testing.T) {
	const host = "laptop"
	got := line(firmware(7), 16, host, "v1", 42, false)
	want := `<133>1 2026-05-04T12:00:00.000Z laptop walkdown 42 change [walkdown@32473 number="7" survey="s-2" asset="a-0000000000000001" kind="changed" attribute="firmware" old="2.8.1" new="2.9.4" name="press-3-cpu" ip="10.0.0.1" mac="28:63:36:00:00:01" site="works" segment="cell-1"] ` +
		"\ufeffpress-3-cpu (10.0.0.1) changed: firmware: 2.8.1 -> 2.9.4"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = commonEvent(firmware(7), "v1")
	want = `CEF:0|walkdown|walkdown|v1|changed:firmware|press-3-cpu (10.0.0.1) changed: firmware: 2.8.1 -> 2.9.4|3|rt=1777896000000 externalId=7 act=changed dst=10.0.0.1 ` +
		`dmac=28:63:36:00:00:01 dhost=press-3-cpu cs1Label=asset cs1=a-0000000000000001 cs2Label=attribute cs2=firmware cs3Label=old cs3=2.8.1 cs4Label=new cs4=2.9.4 cs5Label=survey cs5=s-2 cs6Label=segment cs6=works/cell-1`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A field that has no value has no label either.
func TestLabelsStandBesideValues(t *testing.T) {
	e := firmware(9)
	e.Attribute, e.Old = "", ""
	if got := commonEvent(e, "v1"); strings.Contains(got, "cs2") || strings.Contains(got, "cs3") || !strings.Contains(got, "cs4Label=new cs4=2.9.4") {
		t.Errorf("got %s", got)
	}
}

func TestHostileNamesForgeNothing(t *testing.T) {
	for _, cef := range []bool{false, true} {
		got := line(hostile(8), 16, "lap top\n", "v|1", 42, cef)
		if strings.ContainsAny(got, "\r\n\x00") || strings.Contains(got, "\u202e") {
			t.Errorf("control characters: %q", got)
		}
		if len(got) > 2048 {
			t.Errorf("%d bytes long", len(got))
		}
		if !strings.HasPrefix(got, "<133>1 2026-05-04T12:00:00.000Z laptop walkdown 42 change [walkdown@32473 ") {
			t.Errorf("head: %q", got)
		}
		// Outside of escapes, the structured data ends once, and no quote is open in it.
		_, data, _ := strings.Cut(got, " [")
		plain := strings.NewReplacer(`\\`, "", `\"`, "", `\]`, "").Replace(data)
		end := strings.Index(plain, "] \ufeff")
		if end < 0 || strings.Count(plain[:end], `"`)%2 != 0 || strings.Contains(plain[:end], `foo="`) && !strings.Contains(plain[:end], `name="x foo=`) {
			t.Errorf("structured data: %q", plain)
		}
	}
	event := commonEvent(hostile(8), "v|1")
	header := strings.SplitN(strings.NewReplacer(`\\`, "", `\|`, "").Replace(event), "|", 8)
	if len(header) != 8 || header[6] != "3" {
		t.Errorf("header: %q", header)
	}
	for _, word := range strings.Fields(strings.ReplaceAll(header[7], `\=`, "")) {
		if key, _, ok := strings.Cut(word, "="); ok && !slices.Contains([]string{
			"rt", "externalId", "act", "dst", "dmac", "dhost", "cs1Label", "cs1", "cs2Label", "cs2", "cs3Label", "cs3", "cs4Label", "cs4", "cs5Label", "cs5", "cs6Label", "cs6",
		}, key) {
			t.Errorf("a forged key %q in %q", key, header[7])
		}
	}
}

// listen takes syslog messages on loopback.
func listen(t *testing.T, network string) (address string, messages func(n int) []string) {
	t.Helper()
	got := make(chan string, 1000)
	if network == "udp" {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		go func() {
			b := make([]byte, 65535)
			for {
				n, _, err := conn.ReadFrom(b)
				if err != nil {
					return
				}
				got <- string(b[:n])
			}
		}()
		address = "udp://" + conn.LocalAddr().String()
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				in := bufio.NewReader(conn)
				for {
					length, err := in.ReadString(' ')
					if err != nil {
						break
					}
					n, err := strconv.Atoi(strings.TrimSpace(length))
					if err != nil {
						t.Errorf("octet count %q", length)
						break
					}
					b := make([]byte, n)
					if _, err := io.ReadFull(in, b); err != nil {
						break
					}
					got <- string(b)
				}
				_ = conn.Close()
			}
		}()
		address = "tcp://" + l.Addr().String()
	}
	return address, func(n int) []string {
		var out []string
		for range n {
			select {
			case m := <-got:
				out = append(out, m)
			case <-time.After(5 * time.Second):
				t.Fatalf("%d messages of %d", len(out), n)
			}
		}
		return out
	}
}

func TestSyslogGetsEachChangeOnce(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			address, messages := listen(t, network)
			target, err := NewSyslog(address, "local3", false, "v1")
			if err != nil {
				t.Fatal(err)
			}
			from := list{firmware(1)}
			teller := &Teller{From: &from, Targets: []Target{target}, State: filepath.Join(t.TempDir(), "told")}
			if err := teller.Begin(t.Context()); err != nil { // what was before is no news
				t.Fatal(err)
			}
			from = append(from, firmware(2), hostile(3))
			for range 2 {
				if err := teller.Tell(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			from = append(from, firmware(4))
			again := &Teller{From: &from, Targets: []Target{target}, State: teller.State} // another process
			if err := again.Tell(t.Context()); err != nil {
				t.Fatal(err)
			}
			for i, m := range messages(3) {
				if !strings.HasPrefix(m, "<157>1 ") || !strings.Contains(m, fmt.Sprintf(`number="%d"`, i+2)) {
					t.Errorf("message %d: %q", i, m)
				}
			}
		})
	}
}

func TestWebhookIsTriedUntilItTakesThem(t *testing.T) {
	type post struct {
		token string
		document
	}
	var posts []post
	answer := http.StatusServiceUnavailable
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := post{token: r.Header.Get("Authorization")}
		if err := json.NewDecoder(r.Body).Decode(&p.document); err != nil || r.Method != http.MethodPost {
			t.Errorf("%s: %v", r.Method, err)
		}
		posts = append(posts, p)
		w.WriteHeader(answer)
	}))
	defer server.Close()
	target, err := NewWebhook(server.URL+"/hook?key=secret", "tok", "v1")
	if err != nil {
		t.Fatal(err)
	}
	target.client.Transport = server.Client().Transport
	if strings.Contains(target.Key(), "secret") {
		t.Errorf("the key tells a secret: %s", target.Key())
	}
	clock := noon
	from := list{}
	for i := range batch + 3 {
		from = append(from, firmware(int64(i+1)))
	}
	all := from
	from = nil
	teller := &Teller{From: &from, Targets: []Target{target}, State: filepath.Join(t.TempDir(), "told"), Now: func() time.Time { return clock }}
	if err := teller.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	from = all
	if err := teller.Tell(t.Context()); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	if err := teller.Tell(t.Context()); err != nil || len(posts) != 1 {
		t.Errorf("it was not left alone: %d posts, %v", len(posts), err)
	}
	clock = clock.Add(2 * time.Second)
	if err := teller.Tell(t.Context()); err == nil || !teller.Next().Equal(clock.Add(2*firstWait)) {
		t.Errorf("the next try is at %s: %v", teller.Next(), err)
	}
	answer, clock = http.StatusNoContent, clock.Add(time.Hour)
	if err := teller.Tell(t.Context()); err != nil || !teller.Next().IsZero() {
		t.Fatal(err)
	}
	got := 0
	for _, p := range posts[2:] {
		for _, e := range p.Changes {
			if got++; e.Number != int64(got) {
				t.Errorf("change %d is told in place of %d", e.Number, got)
			}
		}
		if p.token != "Bearer tok" || p.Program != "walkdown" {
			t.Errorf("token %q of %q", p.token, p.Program)
		}
	}
	if got != len(all) {
		t.Errorf("%d changes were told, want %d", got, len(all))
	}
}

func TestAWebhookLeadsNowhereElse(t *testing.T) {
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	t.Setenv("HTTP_PROXY", other.URL)
	target, err := NewWebhook(server.URL, "", "v1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.Send(t.Context(), []inventory.Event{firmware(1)}); err == nil || reached {
		t.Errorf("the other host was reached: %v, %v", reached, err)
	}
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "10.0.0.1", "http://10.0.0.1/x", "udp://", "tls://10.0.0.1:6514", "udp://10.0.0.1:514/x", "https://user:pass@host/"} {
		if _, err := NewSyslog(bad, "", false, ""); err == nil {
			t.Errorf("syslog at %q", bad)
		}
		if _, err := NewWebhook(bad, "", ""); err == nil {
			t.Errorf("a webhook at %q", bad)
		}
	}
	if s, err := NewSyslog("udp://[fd00::1]", "", true, ""); err != nil || s.Key() != "syslog udp [fd00::1]:514" {
		t.Errorf("%v %v", s, err)
	}
	if _, err := NewSyslog("local", "kern", false, ""); err == nil {
		t.Error("kern is the kernel's")
	}
}

func TestADamagedStateIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told")
	if err := writeState(path, map[string]int64{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if state, err := readState(path); err != nil || state["a"] != 1 {
		t.Errorf("%v %v", state, err)
	}
	dead := &Teller{From: list{}, Targets: []Target{failing{}}, State: filepath.Join(path, "none")}
	if err := dead.Tell(t.Context()); err == nil {
		t.Error("a state that cannot be read is taken for none")
	}
}

type failing struct{}

func (failing) Key() string { return "failing" }
func (failing) Send(context.Context, []inventory.Event) (int, error) {
	return 0, errors.New("it fails")
}
