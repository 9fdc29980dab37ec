package listen_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/listen"
	"github.com/walkdown-ot/walkdown/discovery/protocols/arp"
)

// sharedCaptures is the folder of public captures with their truth files, where there is one.
func sharedCaptures(t testing.TB) string {
	t.Helper()
	shared := os.Getenv("WALKDOWN_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	folder := filepath.Join(shared, "captures")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the public captures are not here: %v", err)
	}
	return folder
}

type truth struct {
	Hosts []struct {
		MAC     string   `json:"mac"`
		Packets int      `json:"packets_sent"`
		ARP     []string `json:"arp_ips"`
	} `json:"hosts"`
	Flows []struct {
		Client   string `json:"client"`
		Server   string `json:"server"`
		Proto    string `json:"proto"`
		Port     uint16 `json:"port"`
		By       string `json:"by"`
		Packets  uint64 `json:"packets"`
		Answered bool   `json:"answered"`
	} `json:"flows"`
}

type talkKey struct {
	client, server, transport string
	port                      uint16
}

// TestFlows compares the conversations of the public captures with what tshark saw in them.
func TestFlows(t *testing.T) {
	folder := sharedCaptures(t)
	truths, err := filepath.Glob(filepath.Join(folder, "*.truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	found, all, refused := 0, 0, 0
	for _, path := range truths {
		stem := strings.TrimSuffix(path, ".truth.json")
		files, _ := filepath.Glob(stem + ".pcap*")
		if len(files) == 0 {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var want truth
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		talks := map[talkKey]discovery.Conversation{}
		macs, bound, routers := map[string]bool{}, map[[2]string]bool{}, map[string]bool{}
		out := discovery.SinkFunc(func(o discovery.Observation) {
			for _, c := range o.Talks {
				key := talkKey{c.Client.IP.String(), c.Server.IP.String(), c.Transport.String(), c.Port}
				if !c.Client.IP.IsValid() {
					key.client = "0.0.0.0"
				}
				c.Packets += talks[key].Packets
				c.Answered = c.Answered || talks[key].Answered
				talks[key] = c
			}
			for _, f := range o.Facts {
				switch f.Key {
				case discovery.KeyMAC:
					macs[f.Value] = true
				case discovery.KeyBinding:
					bound[[2]string{o.Subject.MAC.String(), o.Subject.IP.String()}] = true
				case discovery.KeyRole:
					routers[o.Subject.MAC.String()] = true
				}
			}
		})
		readAll(t, files[0], listen.New(listen.Options{Out: out, Protocols: []discovery.Protocol{arp.Protocol()}}))

		for _, h := range want.Hosts {
			mac, err := discovery.ParseMAC(h.MAC)
			if err != nil {
				t.Fatal(err)
			}
			if h.Packets > 0 && !mac.IsZero() && !mac.IsGroup() && !macs[h.MAC] {
				t.Errorf("%s: station %s is missing", filepath.Base(stem), h.MAC)
			}
			for _, ip := range h.ARP {
				if ip != "0.0.0.0" && !bound[[2]string{h.MAC, ip}] {
					t.Errorf("%s: %s is not bound to %s", filepath.Base(stem), ip, h.MAC)
				}
			}
		}
		if len(routers) > 0 {
			t.Logf("%s: routers %v", filepath.Base(stem), slices.Sorted(maps.Keys(routers)))
		}
		// One conversation may stand there several times, once for each protocol that tshark saw in it.
		packets, answered := map[talkKey]uint64{}, map[talkKey]bool{}
		for _, f := range want.Flows {
			key := talkKey{f.Client, f.Server, f.Proto, f.Port}
			packets[key] += f.Packets
			answered[key] = answered[key] || f.Answered
		}
		for _, f := range want.Flows {
			got, ok := talks[talkKey{f.Client, f.Server, f.Proto, f.Port}]
			if !ok && (f.By == "first" || f.By == "lower-port") {
				for key, talk := range talks {
					if key.client == f.Server && key.server == f.Client && key.transport == f.Proto {
						got, ok = talk, true
					}
				}
			}
			all++
			if !ok {
				t.Logf("%s: missing %+v", filepath.Base(stem), f)
				continue
			}
			found++
			key := talkKey{f.Client, f.Server, f.Proto, f.Port}
			if f.By == "syn" && answered[key] && !got.Answered && got.Packets == packets[key] {
				refused++ // the truth counts a reset as an answer
				continue
			}
			if f.By == "syn" && (got.Answered != answered[key] || got.Packets != packets[key]) {
				t.Errorf("%s: %+v was told as answered %v, %d packets", filepath.Base(stem), f, got.Answered, got.Packets)
			}
		}
	}
	t.Logf("%d of %d flows, %d of them refused", found, all, refused)
	if refused*100 > all {
		t.Errorf("%d flows are told as refused", refused)
	}
	if found*100 < all*99 {
		t.Errorf("found %d of %d flows, want 99 %%", found, all)
	}
}

// readAll reads a capture to its end into a listener.
func readAll(t testing.TB, path string, l *listen.Listener) {
	t.Helper()
	source, err := capture.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }() // only read
	var f discovery.Frame
	for {
		err := source.Next(&f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		l.Frame(&f)
	}
	l.Flush()
}
