package fragile

import (
	"bytes"
	"math/rand/v2"
)

// nonsense is what a broken device answers.
type nonsense uint8

const (
	sense    nonsense = iota // none: it answers sense
	noise                    // bytes of no protocol
	misfit                   // an answer whose length says more than it has
	mangled                  // an answer with flipped bits behind its header
	stranger                 // the greeting of some other protocol
	endless                  // an answer that does not end
)

// instead is what is said in place of a reply.
func (n nonsense) instead(reply []byte) []byte {
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	switch n {
	case noise:
		b := make([]byte, 64)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	case misfit:
		if len(reply) > 8 {
			return reply[:len(reply)/2]
		}
		return []byte{0}
	case mangled:
		b := bytes.Clone(reply)
		for i := min(8, len(b)); i < len(b); i++ {
			b[i] ^= byte(1 + random.UintN(255))
		}
		return b
	case stranger:
		return []byte("SSH-2.0-dropbear_2012.55\r\n")
	case endless:
		return bytes.Repeat([]byte("login: "), 146)
	}
	return reply
}
