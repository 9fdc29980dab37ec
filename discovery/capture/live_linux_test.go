package capture_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
)

// inNamespace moves the test into a network namespace of its own with a pair of interfaces, left and right. It stays on its
// thread, which ends with the test and takes the namespace with it.
func inNamespace(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making a network namespace needs root")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace: %v", err)
	}
	ip(t, "link", "set", "lo", "up")
	ip(t, "link", "add", "left", "type", "veth", "peer", "name", "right")
	ip(t, "link", "set", "left", "up")
	ip(t, "link", "set", "right", "up")
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Skipf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// send puts frames on an interface.
func send(t *testing.T, ifname string, frames ...[]byte) {
	t.Helper()
	in, err := net.InterfaceByName(ifname)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	for _, b := range frames {
		if err := unix.Sendto(fd, b, 0, &unix.SockaddrLinklayer{Ifindex: in.Index}); err != nil {
			t.Fatal(err)
		}
	}
}

// ethernet is a frame whose first byte of payload is a mark.
func ethernet(mark byte, words ...uint16) []byte {
	b := []byte{0x02, 0, 0, 0, 0, 9, 0x02, 0, 0, 0, 0, 1} // to a station that is not there: promiscuous or not heard
	for _, w := range words {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	return append(append(b, mark), make([]byte, 50)...)
}

type heard struct {
	mark byte
	vlan uint16
}

func TestLive(t *testing.T) {
	inNamespace(t)
	source, err := capture.OpenLive(context.Background(), "left", capture.LiveOptions{EtherTypes: []uint16{0x8892}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	send(t, "right", ethernet('a', 0x0800), ethernet('b', 0x8892), ethernet('x', 0x88a4), ethernet('c', 0x8100, 42, 0x8892), ethernet('x', 0x8100, 42, 0x88a4))
	send(t, "left", ethernet('x', 0x0800)) // our own
	send(t, "right", ethernet('d', 0x88cc))
	var got []heard
	for until := time.Now().Add(3 * time.Second); len(got) < 4 && time.Now().Before(until); {
		var f discovery.Frame
		err := source.Next(&f)
		if errors.Is(err, capture.ErrTimeout) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(f.Time).Abs() > time.Minute || f.Length < len(f.Data) {
			t.Errorf("%d of %d bytes at %v", len(f.Data), f.Length, f.Time)
		}
		if f.Data[6] != 2 || f.Data[11] != 1 {
			continue // the kernel's own router solicitations
		}
		at := 14
		if f.Data[12] == 0x81 { // a kernel that leaves the tag where it was
			f.VLAN[0] = binary.BigEndian.Uint16(f.Data[14:])
			at += 4
		}
		got = append(got, heard{f.Data[at], f.VLAN[0]})
	}
	if want := []heard{{'a', 0}, {'b', 0}, {'c', 42}, {'d', 0}}; !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
	if stats := source.Stats(); stats.Frames < 4 || stats.Dropped != 0 {
		t.Errorf("counted %+v", stats)
	}
}

func TestLive_timeout(t *testing.T) {
	inNamespace(t)
	ip(t, "link", "set", "left", "addrgenmode", "none")
	source, err := capture.OpenLive(context.Background(), "left", capture.LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	var f discovery.Frame
	for range 20 {
		began := time.Now()
		err := source.Next(&f)
		if errors.Is(err, capture.ErrTimeout) {
			if took := time.Since(began); took > 350*time.Millisecond {
				t.Errorf("waited %v", took)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Error("never timed out")
}

func TestLive_interface_gone(t *testing.T) {
	for _, how := range [][]string{{"link", "set", "left", "down"}, {"link", "del", "left"}} {
		t.Run(how[1], func(t *testing.T) {
			inNamespace(t)
			source, err := capture.OpenLive(context.Background(), "left", capture.LiveOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = source.Close() }()
			ip(t, how...)
			var f discovery.Frame
			for until := time.Now().Add(4 * time.Second); time.Now().Before(until); {
				err := source.Next(&f)
				if errors.Is(err, capture.ErrInterfaceGone) {
					return
				}
				if err != nil && !errors.Is(err, capture.ErrTimeout) {
					t.Fatal(err)
				}
			}
			t.Error("it was not noticed")
		})
	}
}

func TestLive_refuses(t *testing.T) {
	_, err := capture.OpenLive(context.Background(), "nosuch0", capture.LiveOptions{})
	if err == nil || !strings.Contains(err.Error(), "there are") || !strings.Contains(err.Error(), "lo") {
		t.Errorf("an unknown interface: %v", err)
	}
	inNamespace(t)
	ip(t, "link", "set", "left", "down")
	if _, err := capture.OpenLive(context.Background(), "left", capture.LiveOptions{}); err == nil || !strings.Contains(err.Error(), "down") {
		t.Errorf("an interface that is down: %v", err)
	}
}

func TestLive_without_rights(t *testing.T) {
	source, err := capture.OpenLive(context.Background(), "lo", capture.LiveOptions{})
	if err == nil {
		_ = source.Close()
		t.Skip("the tests run with the right to capture")
	}
	var none *capture.NoRightsError
	if !errors.Is(err, capture.ErrNoRights) || !errors.As(err, &none) || !strings.HasPrefix(none.Hint, "sudo setcap cap_net_raw,cap_net_admin=eip /") {
		t.Errorf("got %v", err)
	}
}

func TestInterfaces(t *testing.T) {
	all, err := capture.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(all, func(i capture.Interface) bool { return i.Kind == "loopback" }) {
		t.Errorf("no loopback among %v", all)
	}
}
