package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gopacket/gopacket/afpacket"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The ring that the kernel writes frames into. 24 MiB hold a second of 200 Mb/s, the longest that a busy listener may fall
// behind. A block goes to the reader when it is full or blockTime old.
const (
	blockSize  = 256 << 10
	blockCount = 96
	blockTime  = 50 * time.Millisecond
	pollTime   = 200 * time.Millisecond // below the 250 ms that Source promises
	lookTime   = time.Second            // between two looks whether a silent interface is still there
	statsTime  = 100 * time.Millisecond
)

// OpenLive listens on an interface, promiscuously, by an AF_PACKET ring (TPACKET_V3; packet_mmap in the kernel's
// documentation). Frames that this machine sends are left out, unless they are wanted.
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
	link, err := linkOf(ifname)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", ifname, err)
	}
	program, err := liveFilter(link, o)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", ifname, err)
	}
	ring, err := afpacket.NewTPacket(afpacket.OptInterface(ifname), afpacket.TPacketVersion3, afpacket.OptFrameSize(2048),
		afpacket.OptBlockSize(blockSize), afpacket.OptNumBlocks(blockCount), afpacket.OptBlockTimeout(blockTime),
		afpacket.OptPollTimeout(pollTime))
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, &NoRightsError{Interface: ifname, Hint: rightsHint()}
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: open AF_PACKET ring: %w", ifname, err)
	}
	s := &liveSource{ring: ring, in: in, link: link, looked: time.Now()}
	if err := s.start(program); err != nil {
		ring.Close()
		return nil, fmt.Errorf("listen on %s: %w", ifname, err)
	}
	return s, nil
}

// rightsHint is the command that lets this very binary capture without being root.
func rightsHint() string {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	return "sudo setcap cap_net_raw,cap_net_admin=eip " + path
}

// linkOf asks the kernel how the interface's frames begin (ARPHRD_*, include/uapi/linux/if_arp.h).
func linkOf(ifname string) (discovery.LinkType, error) {
	text, err := os.ReadFile("/sys/class/net/" + ifname + "/type")
	if errors.Is(err, os.ErrNotExist) {
		return discovery.LinkEthernet, nil // a system without sysfs: most interfaces are
	}
	if err != nil {
		return 0, fmt.Errorf("find link type: %w", err)
	}
	kind, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("find link type: %w", err)
	}
	switch kind {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		return discovery.LinkEthernet, nil
	case unix.ARPHRD_NONE, unix.ARPHRD_PPP, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6:
		return discovery.LinkRaw, nil
	}
	return 0, fmt.Errorf("its frames are of a kind that is not read (ARPHRD %d)", kind)
}

// liveFilter is the filter, behind a first step that refuses what this machine sends unless it is wanted. A link without Ethernet header carries
// nothing but IP, so all else of it is kept.
func liveFilter(link discovery.LinkType, o LiveOptions) ([]bpf.RawInstruction, error) {
	var program []bpf.Instruction
	if !o.Outgoing {
		program = []bpf.Instruction{
			bpf.LoadExtension{Num: bpf.ExtType},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.PACKET_OUTGOING, SkipTrue: 1},
			bpf.RetConstant{Val: 0},
		}
	}
	if link == discovery.LinkEthernet {
		kept, err := filter(o.EtherTypes)
		if err != nil {
			return nil, err
		}
		program = append(program, kept...)
	} else {
		program = append(program, bpf.RetConstant{Val: snapLength})
	}
	return bpf.Assemble(program)
}

type liveSource struct {
	ring   *afpacket.TPacket
	in     *net.Interface
	link   discovery.LinkType
	opened time.Time // when the filter stood
	looked time.Time // when the interface was last seen to be there
	asked  time.Time // when the kernel was asked for its counter
	frames uint64
	lost   uint64
	err    error

	settled bool // a frame from after opened was seen
}

// start sets the filter, empties the ring of what came before it, and makes the interface promiscuous.
func (s *liveSource) start(program []bpf.RawInstruction) error {
	if err := s.ring.SetBPF(program); err != nil {
		return fmt.Errorf("set filter: %w", err)
	}
	s.opened = time.Now()
	if err := s.ring.SetPromiscuous(true); err != nil {
		return fmt.Errorf("make interface promiscuous: %w", err)
	}
	return nil
}

// Next implements Source.
func (s *liveSource) Next(f *discovery.Frame) error {
	for s.err == nil {
		data, info, err := s.ring.ZeroCopyReadPacketData()
		if err != nil {
			if s.err = s.silent(err); s.err == nil {
				return ErrTimeout
			}
			break
		}
		if !s.settled {
			// Frames that came before the filter stood are still in the ring. The limit is for a clock that was set back.
			if info.Timestamp.Before(s.opened) && time.Since(s.opened) < lookTime {
				continue
			}
			s.settled = true
		}
		f.Time = info.Timestamp.UTC()
		f.Link = s.link
		f.VLAN = [2]uint16{}
		for _, extra := range info.AncillaryData {
			if tag, ok := extra.(afpacket.AncillaryVLAN); ok {
				f.VLAN[0] = uint16(tag.VLAN & 0xfff) // the kernel takes the outermost tag out of the frame
			}
		}
		f.Data = data
		f.Length = info.Length
		s.frames++
		return nil
	}
	f.Data = nil
	return s.err
}

// silent decides what an empty poll means: nil, or the end.
func (s *liveSource) silent(err error) error {
	now := time.Now()
	timeout := errors.Is(err, afpacket.ErrTimeout) || errors.Is(err, unix.EINTR)
	if timeout && now.Sub(s.looked) < lookTime {
		return nil
	}
	s.looked = now
	in, lookErr := net.InterfaceByIndex(s.in.Index)
	if lookErr != nil || in.Flags&net.FlagUp == 0 || in.Name != s.in.Name {
		return fmt.Errorf("listen on %s: %w", s.in.Name, ErrInterfaceGone)
	}
	if timeout {
		return nil
	}
	if errors.Is(err, afpacket.ErrPoll) {
		// It went down and came up again before we could look: frames were lost.
		return fmt.Errorf("listen on %s: %w", s.in.Name, ErrInterfaceGone)
	}
	return fmt.Errorf("listen on %s: %w", s.in.Name, err)
}

// Stats implements Source. The kernel is asked for its counter every statsTime at most.
func (s *liveSource) Stats() Stats {
	if now := time.Now(); s.ring != nil && now.Sub(s.asked) >= statsTime {
		s.asked = now
		s.count()
	}
	return Stats{Frames: s.frames, Dropped: s.lost}
}

func (s *liveSource) count() {
	if _, v3, err := s.ring.SocketStats(); err == nil {
		s.lost = uint64(v3.Drops()) // a running total
	}
}

// Close implements Source.
func (s *liveSource) Close() error {
	if s.ring == nil {
		return nil
	}
	s.count() // the kernel forgets its counter with the socket
	s.ring.Close()
	s.ring = nil
	if s.err == nil {
		s.err = os.ErrClosed
	}
	return nil
}
