package listen

// table is a bounded map that sheds what was not used for longest. Entries keep their address while they are in it and are
// reused afterwards, so nothing is allocated once it is full.
type table[K comparable, V any] struct {
	limit int
	byKey map[K]*entry[K, V]
	newer *entry[K, V] // most recently used
	older *entry[K, V] // least recently used
	free  *entry[K, V]
	chunk []entry[K, V]
	shed  uint64
	// gone is called for an entry before it leaves, by being shed or dropped.
	gone func(*entry[K, V])
}

type entry[K comparable, V any] struct {
	key         K
	value       V
	next, prior *entry[K, V] // next is less recently used
	generation  uint32
}

// ref points at an entry that may have left meanwhile.
type ref[K comparable, V any] struct {
	entry      *entry[K, V]
	generation uint32
}

func newTable[K comparable, V any](limit int) *table[K, V] {
	return &table[K, V]{limit: limit, byKey: make(map[K]*entry[K, V])}
}

func (e *entry[K, V]) ref() ref[K, V] { return ref[K, V]{e, e.generation} }

// get is the entry, or nil when it has left.
func (r ref[K, V]) get() *entry[K, V] {
	if r.entry == nil || r.entry.generation != r.generation {
		return nil
	}
	return r.entry
}

// find is the entry of a key, now the most recently used, or nil.
func (t *table[K, V]) find(key K) *entry[K, V] {
	e := t.byKey[key]
	if e != nil {
		t.touch(e)
	}
	return e
}

// add makes an entry for a key that has none, with a zero value.
func (t *table[K, V]) add(key K) *entry[K, V] {
	if len(t.byKey) >= t.limit {
		t.shed++
		t.drop(t.older)
	}
	e := t.free
	if e != nil {
		t.free = e.next
	} else {
		if len(t.chunk) == 0 {
			t.chunk = make([]entry[K, V], min(t.limit, 128))
		}
		e, t.chunk = &t.chunk[0], t.chunk[1:]
	}
	e.key = key
	t.byKey[key] = e
	t.link(e)
	return e
}

// touch makes an entry the most recently used.
func (t *table[K, V]) touch(e *entry[K, V]) {
	if t.newer != e {
		t.unlink(e)
		t.link(e)
	}
}

// drop takes an entry out.
func (t *table[K, V]) drop(e *entry[K, V]) {
	if t.gone != nil {
		t.gone(e)
	}
	delete(t.byKey, e.key)
	t.unlink(e)
	var zero V
	e.value = zero
	e.generation++
	e.prior, e.next = nil, t.free
	t.free = e
}

func (t *table[K, V]) link(e *entry[K, V]) {
	e.prior, e.next = nil, t.newer
	if t.newer != nil {
		t.newer.prior = e
	}
	t.newer = e
	if t.older == nil {
		t.older = e
	}
}

func (t *table[K, V]) unlink(e *entry[K, V]) {
	if e.prior != nil {
		e.prior.next = e.next
	} else {
		t.newer = e.next
	}
	if e.next != nil {
		e.next.prior = e.prior
	} else {
		t.older = e.prior
	}
}
