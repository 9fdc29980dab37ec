package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/capture"
)

// ownTraffic keeps what this laptop sends to the devices, and their answers, as a capture for the hand-over. What else the laptop
// says (DHCP, name look-ups, updates) is counted and not kept.
type ownTraffic struct {
	app     *app
	filter  ownFilter
	file    *os.File
	writer  *capture.Writer
	source  capture.Source
	stop    context.CancelFunc
	done    chan struct{}
	ports   map[string]uint16 // of questions to segments, by protocol
	err     error
	kept    int
	dropped uint64
}

// keepOwnTraffic begins the capture; without a file it gives nil.
func (r *recording) keepOwnTraffic(path string, ifi *net.Interface) (*ownTraffic, error) {
	if path == "" {
		return nil, nil
	}
	if ifi == nil || len(ifi.HardwareAddr) != len(discovery.MAC{}) {
		return nil, failed(errors.New("the laptop's own traffic is kept from one Ethernet interface, and none was named"), "name it with --ask-via")
	}
	source, err := capture.OpenLive(r.app.ctx, ifi.Name, capture.LiveOptions{EtherTypes: etherTypes(), Outgoing: true})
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, errors.Join(failed(fmt.Errorf("keep our own traffic: %w", err), ""), source.Close())
	}
	writer, err := capture.NewWriter(file, "walkdown "+version(), ifi.Name,
		"what survey "+r.survey.ID+" sent, and the answers; secrets are overwritten by x at the same length")
	if err != nil {
		return nil, errors.Join(err, source.Close(), file.Close())
	}
	// It ends after the last FIN has been answered, not with the command's context.
	ctx, stop := context.WithCancel(context.WithoutCancel(r.app.ctx))
	o := &ownTraffic{
		app: r.app, file: file, writer: writer, source: source, stop: stop, done: make(chan struct{}),
		filter: ownFilter{own: discovery.MAC(ifi.HardwareAddr), asked: map[ownPeer]bool{}, kinds: map[string]bool{}, noise: map[string]int{}},
		ports:  map[string]uint16{},
	}
	for _, p := range r.protocols {
		if p.Segment != nil {
			o.ports[p.Name] = p.Segment.Port
		}
	}
	for _, c := range r.app.secrets.credentials() {
		o.filter.secrets = append(o.filter.secrets, []byte(c.Secret))
	}
	go o.read(ctx)
	return o, nil
}

// planned says whom the plan asks, before anything is sent.
func (o *ownTraffic) planned(plan ask.Plan) {
	if o == nil {
		return
	}
	o.filter.mu.Lock()
	defer o.filter.mu.Unlock()
	for _, s := range plan.Segments {
		port := o.ports[s.Protocol]
		if s.Transport == discovery.UDP.String() { // whoever is on the link
			o.filter.asked[ownPeer{transport: s.Transport, port: port}] = true
			continue
		}
		o.filter.kinds[fmt.Sprintf("ethertype %04x", port)] = true
		if port == 0x86dd {
			o.filter.kinds["ip 58"] = true // ICMPv6
		}
	}
	for _, d := range plan.Devices {
		for _, item := range d.Items {
			o.filter.asked[ownPeer{d.Address.Unmap(), item.Transport, item.Port}] = true
			for _, r := range item.Requests {
				if r.Transport != "" {
					o.filter.asked[ownPeer{d.Address.Unmap(), r.Transport, item.Port}] = true
				}
			}
		}
	}
}

func (o *ownTraffic) read(ctx context.Context) {
	defer close(o.done)
	var frame discovery.Frame
	for ctx.Err() == nil {
		err := o.source.Next(&frame)
		if errors.Is(err, capture.ErrTimeout) {
			continue
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				o.err = err
			}
			return
		}
		if !o.filter.keeps(&frame) {
			continue
		}
		if o.err = o.writer.Write(&frame); o.err != nil {
			return
		}
		o.kept++
	}
}

// lastAnswers is how long after the end the devices' last FIN and acknowledgement are waited for.
const lastAnswers = 300 * time.Millisecond

// end closes the file and tells what it holds.
func (o *ownTraffic) end() error {
	time.Sleep(lastAnswers)
	o.stop()
	<-o.done
	o.dropped = o.source.Stats().Dropped
	err := errors.Join(o.err, o.writer.Flush(), o.source.Close(), o.file.Close())
	if o.dropped > 0 {
		err = errors.Join(err, fmt.Errorf("%d frames were dropped by the capture", o.dropped))
	}
	noise := 0
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(o.filter.noise)) {
		noise += o.filter.noise[kind]
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, o.filter.noise[kind]))
	}
	o.app.say("own traffic: %d frames in %s; other noise of this laptop: %d frames%s", o.kept, o.file.Name(), noise, inBrackets(kinds))
	return err
}

func inBrackets(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}

// ownPeer is where a device is asked.
type ownPeer struct {
	addr      netip.Addr
	transport string
	port      uint16
}

// ownFilter picks the frames that belong to the asking out of all that an interface carries.
type ownFilter struct {
	own     discovery.MAC
	secrets [][]byte
	noise   map[string]int // the laptop's other frames, by kind

	mu    sync.Mutex
	asked map[ownPeer]bool
	kinds map[string]bool // of questions to segments, straight on the link
}

// keeps reports whether the frame belongs to the asking, and overwrites the secrets in it.
func (f *ownFilter) keeps(frame *discovery.Frame) bool {
	b := frame.Data
	if frame.Link != discovery.LinkEthernet || len(b) < 14 {
		return false
	}
	from, to := discovery.MAC(b[6:12]), discovery.MAC(b[:6])
	if from != f.own && to != f.own {
		return false
	}
	peer, kind, payload := peerOf(b, from == f.own)
	if kind == kindARP {
		return true
	}
	f.mu.Lock()
	asked := f.asked[peer] || f.kinds[kind] || f.asked[ownPeer{transport: peer.transport, port: peer.port}]
	f.mu.Unlock()
	if !asked {
		if from == f.own {
			f.noise[kind]++
		}
		return false
	}
	if payload > 0 {
		frame.Data = f.redacted(b, payload, peer.transport)
	}
	return true
}

// kindARP all belongs to the asking: the search, the look whether a device is still there, and what the system needs to send.
const kindARP = "arp"

// peerOf gives the other end of a frame of ours, what kind of frame it is, and where its payload begins.
func peerOf(b []byte, ours bool) (peer ownPeer, kind string, payload int) {
	const ipv4, ipv6, arp = 0x0800, 0x86dd, 0x0806
	at, proto := 14, byte(0)
	var ends [2]netip.Addr
	switch etherType := binary.BigEndian.Uint16(b[12:]); {
	case etherType == arp:
		return ownPeer{}, kindARP, 0
	case etherType == ipv4 && len(b) >= at+20 && int(b[at]&15)*4 >= 20:
		proto = b[at+9]
		ends = [2]netip.Addr{netip.AddrFrom4([4]byte(b[at+12:])), netip.AddrFrom4([4]byte(b[at+16:]))}
		at += int(b[at]&15) * 4
	case etherType == ipv6 && len(b) >= at+40:
		proto = b[at+6]
		ends = [2]netip.Addr{netip.AddrFrom16([16]byte(b[at+8:])), netip.AddrFrom16([16]byte(b[at+24:]))}
		at += 40
	default:
		return ownPeer{}, fmt.Sprintf("ethertype %04x", etherType), 0
	}
	switch {
	case proto == 6 && len(b) >= at+20:
		peer.transport = discovery.TCP.String()
		payload = at + int(b[at+12]>>4)*4
	case proto == 17 && len(b) >= at+8:
		peer.transport = discovery.UDP.String()
		payload = at + 8
	default:
		return ownPeer{}, fmt.Sprintf("ip %d", proto), 0
	}
	end := 0
	if ours {
		end = 1
	}
	peer.addr, peer.port = ends[end], binary.BigEndian.Uint16(b[at+2*end:])
	return peer, fmt.Sprintf("%s/%d", peer.transport, peer.port), min(payload, len(b))
}

// shortSecret is the length below which a secret is looked for only where a message begins: it may stand anywhere by chance.
const (
	shortSecret = 4
	beginning   = 40
)

// redacted is the frame with the secrets in its payload overwritten. Where there was one, a UDP checksum is made "none"
// (RFC 768), so that the capture is no riddle.
func (f *ownFilter) redacted(b []byte, payload int, transport string) []byte {
	for _, secret := range f.secrets {
		until := len(b)
		if len(secret) < shortSecret {
			until = min(payload+beginning, len(b))
		}
		if len(secret) == 0 || !bytes.Contains(b[payload:until], secret) {
			continue
		}
		b = slices.Clone(b)
		copy(b[payload:until], bytes.ReplaceAll(b[payload:until], secret, bytes.Repeat([]byte{'x'}, len(secret))))
		if transport == discovery.UDP.String() {
			b[payload-2], b[payload-1] = 0, 0
		}
	}
	return b
}
