package capture

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/windows"
)

// npcap is the library of Npcap, as far as frames are read with it (tcpdump.org/manpages/pcap.3pcap). It is loaded when it is
// needed: a machine without it, or with an older one that lacks functions, must run everything else.
type npcap struct {
	create, setSnaplen, setPromisc, setTimeout, setBufferSize, activate *windows.Proc
	datalink, setFilter, nextEx, stats, closing, geterr                 *windows.Proc
}

// loadNpcap loads the library from the folder of Npcap, where its own Packet.dll lies beside it, and from nowhere else.
func loadNpcap() (*npcap, error) {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(system, "Npcap", "wpcap.dll")
	handle, err := windows.LoadLibraryEx(path, 0, windows.LOAD_WITH_ALTERED_SEARCH_PATH)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	dll := &windows.DLL{Name: path, Handle: handle}
	var n npcap
	for _, f := range []struct {
		proc **windows.Proc
		name string
	}{
		{&n.create, "pcap_create"},
		{&n.setSnaplen, "pcap_set_snaplen"},
		{&n.setPromisc, "pcap_set_promisc"},
		{&n.setTimeout, "pcap_set_timeout"},
		{&n.setBufferSize, "pcap_set_buffer_size"},
		{&n.activate, "pcap_activate"},
		{&n.datalink, "pcap_datalink"},
		{&n.setFilter, "pcap_setfilter"},
		{&n.nextEx, "pcap_next_ex"},
		{&n.stats, "pcap_stats"},
		{&n.closing, "pcap_close"},
		{&n.geterr, "pcap_geterr"},
	} {
		if *f.proc, err = dll.FindProc(f.name); err != nil {
			return nil, errors.Join(err, dll.Release())
		}
	}
	return &n, nil
}

// handle is a capture under way.
type handle struct {
	lib *npcap
	ptr uintptr
}

// The results of pcap_activate that say that the right is missing, and of pcap_next_ex.
const (
	errorPermission        = -8
	errorPromiscPermission = -11
	nextTimeout            = 0
	nextFrame              = 1
	errorBufferSize        = 256 // PCAP_ERRBUF_SIZE
)

// errPermission says that Npcap lets administrators capture alone.
var errPermission = errors.New("permission denied")

// open begins to capture on a device of the driver.
func (n *npcap) open(device string, snaplen, buffer int, timeout time.Duration) (*handle, error) {
	name, err := windows.BytePtrFromString(device)
	if err != nil {
		return nil, err
	}
	var text [errorBufferSize]byte
	ptr, _, _ := n.create.Call(uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&text[0])))
	runtime.KeepAlive(name)
	if ptr == 0 {
		return nil, errors.New(windows.ByteSliceToString(text[:]))
	}
	h := &handle{lib: n, ptr: ptr}
	for _, setting := range []struct {
		proc  *windows.Proc
		value uintptr
	}{{n.setSnaplen, uintptr(snaplen)}, {n.setPromisc, 1}, {n.setTimeout, uintptr(timeout.Milliseconds())}, {n.setBufferSize, uintptr(buffer)}} {
		if result, _, _ := setting.proc.Call(ptr, setting.value); int32(result) != 0 {
			return nil, errors.Join(fmt.Errorf("%s: result %d", setting.proc.Name, int32(result)), h.close())
		}
	}
	result, _, _ := n.activate.Call(ptr)
	switch r := int32(result); {
	case r == errorPermission || r == errorPromiscPermission:
		return nil, errors.Join(errPermission, h.close())
	case r < 0: // above 0 are warnings
		return nil, errors.Join(fmt.Errorf("activate: %s", h.problem()), h.close())
	}
	return h, nil
}

// problem is what the library says of its last error.
func (h *handle) problem() string {
	text, _, _ := h.lib.geterr.Call(h.ptr)
	if text == 0 {
		return "no reason is given"
	}
	return windows.BytePtrToString(pointer[byte](text))
}

// link is the LINKTYPE of the frames.
func (h *handle) link() uint16 {
	kind, _, _ := h.lib.datalink.Call(h.ptr)
	return uint16(kind)
}

// filterProgram is struct bpf_program: the number of instructions of 8 bytes, and where they stand.
type filterProgram struct {
	length       uint32
	instructions *bpf.RawInstruction
}

// filter lets through what the program keeps. bpf.RawInstruction is laid out like struct bpf_insn: code 2, jumps 1 + 1, value 4.
func (h *handle) filter(program []bpf.RawInstruction) error {
	p := filterProgram{length: uint32(len(program)), instructions: &program[0]}
	result, _, _ := h.lib.setFilter.Call(h.ptr, uintptr(unsafe.Pointer(&p)))
	runtime.KeepAlive(program)
	if int32(result) != 0 {
		return fmt.Errorf("set filter: %s", h.problem())
	}
	return nil
}

// packetHeader is struct pcap_pkthdr: seconds and microseconds, both 32 bits on Windows, then the lengths.
type packetHeader struct {
	seconds, microseconds int32
	captured, length      uint32
}

// next gives the next frame, whose data is valid until the next call; ok is false when none came in time.
func (h *handle) next() (data []byte, length int, at time.Time, ok bool, err error) {
	var header, frame uintptr
	result, _, _ := h.lib.nextEx.Call(h.ptr, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&frame)))
	switch int32(result) {
	case nextTimeout:
		return nil, 0, time.Time{}, false, nil
	case nextFrame:
	default:
		return nil, 0, time.Time{}, false, errors.New(h.problem())
	}
	p := pointer[packetHeader](header)
	if p.captured > MaxFrame {
		return nil, 0, time.Time{}, false, fmt.Errorf("a frame of %d bytes", p.captured)
	}
	at = time.Unix(int64(p.seconds), int64(p.microseconds)*1000).UTC()
	return unsafe.Slice(pointer[byte](frame), p.captured), int(p.length), at, true, nil
}

// captureStats is struct pcap_stat with what Windows adds to it.
type captureStats struct{ received, dropped, droppedByInterface, captured, sent, netDropped uint32 }

// lost is how many frames were dropped so far.
func (h *handle) lost() (uint64, bool) {
	var s captureStats
	result, _, _ := h.lib.stats.Call(h.ptr, uintptr(unsafe.Pointer(&s)))
	return uint64(s.dropped) + uint64(s.droppedByInterface), int32(result) == 0
}

func (h *handle) close() error {
	_, _, _ = h.lib.closing.Call(h.ptr)
	h.ptr = 0
	return nil
}

// pointer is memory of the library. It is no memory of Go's, so the collector need not know of it.
func pointer[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }
