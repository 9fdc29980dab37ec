package ask

import (
	"fmt"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// answerTimes judges how quick a device answers, by its own measure: the first answers in this run, and how quick it was heard
// to answer others. A table takes longer to read than a name, so each request has a first answer of its own as well.
type answerTimes struct {
	first     []time.Duration          // of questions, over all protocols
	byRequest map[string]time.Duration // the first answer to each
	others    time.Duration            // how quick it answers others; 0 = not known
	slow      int                      // slow answers in a row
}

// note takes an answer and reports whether it was slow, and by what measure.
func (a *answerTimes) note(l Limits, request string, rtt time.Duration) (slow bool, baseline time.Duration) {
	baseline = a.others
	if len(a.first) >= fewest || a.others == 0 {
		baseline = max(baseline, a.median())
	}
	if own, asked := a.byRequest[request]; asked && baseline > 0 {
		baseline = max(baseline, own)
	} else if !asked {
		if a.byRequest == nil {
			a.byRequest = map[string]time.Duration{}
		}
		a.byRequest[request] = rtt
	}
	if len(a.first) < fewest {
		a.first = append(a.first, rtt)
	}
	if slow = l.isSlow(rtt, baseline); slow {
		a.slow++
	} else {
		a.slow = 0
	}
	return slow, baseline
}

func (a *answerTimes) median() time.Duration {
	if len(a.first) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(a.first))[(len(a.first)-1)/2]
}

// isSlow reports whether an answer took too many times its measure. Below the floor nothing is slow: it is within the cycle of
// an ordinary controller.
func (l Limits) isSlow(rtt, baseline time.Duration) bool {
	return baseline > 0 && rtt > l.SlowFloor && float64(rtt) > l.SlowFactor*float64(baseline)
}

// judging are the limits by which the answers of a device of the class are slow. Of a switch they are mostly parts of tables, which
// take their time to gather, and in SNMPv3 one request cannot be told from another.
func (l Limits) judging(c Class) Limits {
	if c == Infrastructure {
		l.SlowFloor = max(l.SlowFloor, l.SlowRTT)
	}
	return l
}

// timed notes how long the device took. Too many slow answers in a row are distress; one alone lengthens the gap.
func (s *session) timed(e discovery.Exchange) {
	v := s.v
	if e.Setup {
		v.pace.answered(e.RTT, false)
		return
	}
	v.mu.Lock()
	if v.times.others == 0 {
		v.times.others = v.k.o.Watch.answerTime(v.plan.Address, s.target.Port)
	}
	slow, baseline := v.times.note(v.k.o.Limits.judging(v.plan.Class), e.Protocol+" "+e.Request, e.RTT)
	tooMany := v.times.slow >= v.pace.class.SlowAnswers
	v.mu.Unlock()
	v.pace.answered(e.RTT, slow)
	if slow && tooMany {
		_ = s.distress(fmt.Sprintf("%s: answered %s in %s, %.1f times its own %s", s.protocol.Name, e.Request, rounded(e.RTT),
			float64(e.RTT)/float64(baseline), rounded(baseline)), nil)
	}
}

// overheard gives an error when the passive ear has heard a sign of distress since the device is asked.
func (s *session) overheard() error {
	if sign := s.v.k.o.Watch.sign(s.v.plan.Address); sign != "" {
		return s.distress("overheard: "+sign, nil)
	}
	return nil
}
