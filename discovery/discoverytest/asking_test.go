package discoverytest

import (
	"io"
	"net"
	"testing"
)

// A peer in memory answers in turn, is silent where it is told to be, and ends the connection where it has no more answers.
func TestServe(t *testing.T) {
	near, far := net.Pipe()
	go func() {
		defer func() { _ = far.Close() }()
		serve([][]byte{[]byte("one"), nil, []byte("three")}, true)(far)
	}()
	said := ""
	for _, answered := range []bool{true, false, true} {
		_, _ = near.Write([]byte("?"))
		if answered {
			b := make([]byte, 9)
			n, _ := near.Read(b)
			said += string(b[:n]) + " "
		}
	}
	_, _ = near.Write([]byte("?"))
	if rest, err := io.ReadAll(near); said != "one three " || len(rest) > 0 || err != nil {
		t.Errorf("said %q, then %q, %v", said, rest, err)
	}
}
