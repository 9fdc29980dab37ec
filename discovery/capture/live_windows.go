package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
	"unsafe"

	npcap "github.com/gopacket/gopacket/pcap"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/windows"

	"github.com/walkdown-ot/walkdown/discovery"
)

const (
	bufferSize = 24 << 20 // a second of 200 Mb/s
	pollTime   = 200 * time.Millisecond
	statsTime  = 100 * time.Millisecond
)

// OpenLive listens on an interface, promiscuously, by the driver of Npcap, whose library is loaded when it is there. Frames that
// this machine sends are left out.
func OpenLive(ctx context.Context, ifname string, o LiveOptions) (Source, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("listen on %s: %w", ifname, context.Cause(ctx))
	}
	in, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, noInterface(ifname)
	}
	if in.Flags&net.FlagUp == 0 {
		return nil, fmt.Errorf("listen on %s: the interface is down", ifname)
	}
	if err := npcap.LoadWinPCAP(); err != nil {
		return nil, fmt.Errorf("listen on %s: %w: Npcap is not installed (npcap.com); without it capture with 'pktmon start --capture' and 'pktmon etl2pcap', then 'walkdown read' the file; 'walkdown ask' works without", ifname, ErrUnsupported)
	}
	device, err := driverName(in)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", ifname, err)
	}
	s := &liveSource{in: in}
	copy(s.own[:], in.HardwareAddr)
	if err := s.open(device, o.EtherTypes); err != nil {
		if strings.Contains(strings.ToLower(err.Error()), "permission") || strings.Contains(err.Error(), "Access is denied") {
			return nil, &NoRightsError{Interface: ifname, Hint: "run it as administrator: Npcap was installed for administrators only"}
		}
		return nil, fmt.Errorf("listen on %s: %w", ifname, err)
	}
	return s, nil
}

// driverName is the name under which Npcap knows an interface: that of the adapter behind \Device\NPF_.
func driverName(in *net.Interface) (string, error) {
	size := uint32(32 << 10)
	for range 3 {
		buffer := make([]byte, size)
		first := (*windows.IpAdapterAddresses)(unsafe.Pointer(&buffer[0]))
		err := windows.GetAdaptersAddresses(windows.AF_UNSPEC, windows.GAA_FLAG_SKIP_ANYCAST|windows.GAA_FLAG_SKIP_MULTICAST, 0, first, &size)
		if errors.Is(err, windows.ERROR_BUFFER_OVERFLOW) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("list adapters: %w", err)
		}
		for a := first; a != nil; a = a.Next {
			if int(a.IfIndex) == in.Index || int(a.Ipv6IfIndex) == in.Index {
				return `\Device\NPF_` + windows.BytePtrToString(a.AdapterName), nil
			}
		}
		return "", errors.New("no adapter of the system has its number")
	}
	return "", errors.New("list adapters: the list keeps growing")
}

type liveSource struct {
	handle *npcap.Handle
	in     *net.Interface
	own    discovery.MAC
	link   discovery.LinkType
	asked  time.Time // when the driver was asked for its counter
	frames uint64
	lost   uint64
	err    error
}

// open activates the driver and sets the filter.
func (s *liveSource) open(device string, etherTypes []uint16) error {
	inactive, err := npcap.NewInactiveHandle(device)
	if err != nil {
		return err
	}
	defer inactive.CleanUp()
	if err := errors.Join(inactive.SetSnapLen(snapLength), inactive.SetPromisc(true), inactive.SetTimeout(pollTime), inactive.SetBufferSize(bufferSize)); err != nil {
		return err
	}
	if s.handle, err = inactive.Activate(); err != nil {
		return err
	}
	s.link = discovery.LinkType(s.handle.LinkType())
	if s.link != discovery.LinkEthernet {
		return nil // it carries nothing but IP
	}
	kept, err := filter(etherTypes)
	if err == nil {
		err = s.setFilter(kept)
	}
	if err != nil {
		s.handle.Close()
	}
	return err
}

func (s *liveSource) setFilter(program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	instructions := make([]npcap.BPFInstruction, len(raw))
	for i, r := range raw {
		instructions[i] = npcap.BPFInstruction{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return s.handle.SetBPFInstructionFilter(instructions)
}

// Next implements Source.
func (s *liveSource) Next(f *discovery.Frame) error {
	for s.err == nil {
		data, info, err := s.handle.ZeroCopyReadPacketData()
		if errors.Is(err, npcap.NextErrorTimeoutExpired) {
			return ErrTimeout
		}
		if err != nil {
			s.err = fmt.Errorf("listen on %s: %w: %w", s.in.Name, ErrInterfaceGone, err)
			break
		}
		if s.link == discovery.LinkEthernet && len(data) >= 12 && discovery.MAC(data[6:12]) == s.own {
			continue // our own
		}
		*f = discovery.Frame{Time: info.Timestamp.UTC(), Link: s.link, Length: info.Length, Data: data}
		s.frames++
		return nil
	}
	f.Data = nil
	return s.err
}

// Stats implements Source. The driver is asked for its counter every statsTime at most.
func (s *liveSource) Stats() Stats {
	if now := time.Now(); s.handle != nil && now.Sub(s.asked) >= statsTime {
		s.asked = now
		s.count()
	}
	return Stats{Frames: s.frames, Dropped: s.lost}
}

func (s *liveSource) count() {
	if stats, err := s.handle.Stats(); err == nil {
		s.lost = uint64(stats.PacketsDropped + stats.PacketsIfDropped)
	}
}

// Close implements Source.
func (s *liveSource) Close() error {
	if s.handle == nil {
		return nil
	}
	s.count()
	s.handle.Close()
	s.handle = nil
	if s.err == nil {
		s.err = os.ErrClosed
	}
	return nil
}
