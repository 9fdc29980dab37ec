package ask

import "fmt"

// tooManyClients says why a protocol of which devices have few connections is not asked: others hold so many of them that one
// more may throw one of them out. "" = there is room.
func (k *Keeper) tooManyClients(protocol string, scarce bool, class Class, others int) string {
	if !scarce || class == Computer || class == Infrastructure || k.allowed(protocol) {
		return ""
	}
	most := k.o.Limits.OthersFew
	if class == Controller {
		most = k.o.Limits.Others
	}
	if others <= most {
		return ""
	}
	return fmt.Sprintf("%d others were heard to hold connections to it, and one more may throw one of them out: needs --allow %s", others, protocol)
}
