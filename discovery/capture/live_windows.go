package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
	"unsafe"

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
	lib, err := loadNpcap()
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w: Npcap (npcap.com) is not installed, or too old (%w); without it capture with 'pktmon start --capture' and 'pktmon etl2pcap', then 'walkdown read' the file; 'walkdown ask' works without", ifname, ErrUnsupported, err)
	}
	device, err := driverName(in)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", ifname, err)
	}
	s := &liveSource{in: in}
	if !o.Outgoing {
		copy(s.own[:], in.HardwareAddr)
	}
	if err := s.open(lib, device, o.EtherTypes); err != nil {
		if errors.Is(err, errPermission) {
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
	handle *handle
	in     *net.Interface
	own    discovery.MAC
	link   discovery.LinkType
	asked  time.Time // when the driver was asked for its counter
	frames uint64
	lost   uint64
	err    error
}

// open begins to capture and sets the filter.
func (s *liveSource) open(lib *npcap, device string, etherTypes []uint16) error {
	opened, err := lib.open(device, snapLength, bufferSize, pollTime)
	if err != nil {
		return err
	}
	s.handle, s.link = opened, discovery.LinkType(opened.link())
	if s.link != discovery.LinkEthernet {
		return nil // it carries nothing but IP
	}
	program, err := filter(etherTypes)
	if err != nil {
		return errors.Join(err, opened.close())
	}
	raw, err := bpf.Assemble(program)
	if err == nil {
		err = opened.filter(raw)
	}
	if err != nil {
		return errors.Join(err, opened.close())
	}
	return nil
}

// Next implements Source.
func (s *liveSource) Next(f *discovery.Frame) error {
	for s.err == nil {
		data, length, at, ok, err := s.handle.next()
		if err != nil {
			s.err = fmt.Errorf("listen on %s: %w: %w", s.in.Name, ErrInterfaceGone, err)
			break
		}
		if !ok {
			return ErrTimeout
		}
		if s.link == discovery.LinkEthernet && len(data) >= 12 && discovery.MAC(data[6:12]) == s.own {
			continue // our own
		}
		*f = discovery.Frame{Time: at, Link: s.link, Length: length, Data: data}
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
	if lost, ok := s.handle.lost(); ok {
		s.lost = lost
	}
}

// Close implements Source.
func (s *liveSource) Close() error {
	if s.handle == nil {
		return nil
	}
	s.count()
	_ = s.handle.close()
	s.handle = nil
	if s.err == nil {
		s.err = os.ErrClosed
	}
	return nil
}
