package ask

import (
	"fmt"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Question names a question of a protocol, as the ledger does.
type Question struct{ Protocol, Request string }

// refreshAll asks again whatever is known and was answered.
const refreshAll = "all"

// refreshed reports whether the protocol is asked again although it was answered lately.
func (k *Keeper) refreshed(protocol string) bool {
	return slices.Contains(k.o.Refresh, refreshAll) || slices.Contains(k.o.Refresh, protocol)
}

// needless says why a device need not be asked a protocol: it answered lately, or what it would say was overheard. "" = it must be.
// alone says that this holds for the device itself and not for the units behind it.
func (k *Keeper) needless(h Host, p discovery.Protocol, item Item) (reason string, alone bool) {
	if k.refreshed(p.Name) {
		return "", false
	}
	if last, all := k.answeredLately(h, p, item); all {
		return fmt.Sprintf("asked on %s, less than %s ago: --refresh %s asks again", last.Local().Format("Mon 2 Jan 15:04"),
			hours(k.o.Limits.Repeat), p.Name), false
	}
	if len(p.Asker.Enough) == 0 {
		return "", false
	}
	for _, key := range p.Asker.Enough {
		if _, known := k.known(h.Subject, key); !known {
			return "", false
		}
	}
	return fmt.Sprintf("known already, overheard or told less than %s ago: --refresh %s asks all the same", hours(k.o.Limits.Repeat), p.Name),
		len(item.Units) > 0
}

// answeredLately reports whether each question of the item that the device was asked within Limits.Repeat was answered, and
// since when that holds. A question that was never put was not needed then, unless it is one that was opted in to since, or all
// of those were left out that only some classes of device may be asked: the device was taken for something else then.
func (k *Keeper) answeredLately(h Host, p discovery.Protocol, item Item) (last time.Time, all bool) {
	byClass, byClassAsked := false, false
	for _, planned := range item.Requests {
		if planned.Setup {
			continue
		}
		r, _ := requestByName(p.Asker, planned.Name)
		at, asked := h.Answered[Question{p.Name, r.Name}]
		if len(r.ByClass) > 0 {
			byClass, byClassAsked = true, byClassAsked || asked
		}
		switch {
		case !asked && (r.SafetyFor(h.Class) == discovery.SafetyC || r.PerUnit && item.UnitsNamed):
			return time.Time{}, false
		case !asked:
		case at.IsZero() || k.now().Sub(at) >= k.o.Limits.Repeat:
			return time.Time{}, false
		case at.After(last):
			last = at
		}
	}
	return last, !last.IsZero() && byClass == byClassAsked
}

func hours(d time.Duration) string { return fmt.Sprintf("%g h", d.Hours()) }
