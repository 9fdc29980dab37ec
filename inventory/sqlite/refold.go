package sqlite

import "context"

// Refold identifies and resolves all that was ever observed anew, by the rules of today, and commits it at once. Nothing is
// observed, so the times of the assets stay; what becomes of it is told as the changes of this survey when it ends.
func (r *Recorder) Refold(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	r.commits.Lock()
	err := r.store.inTx(ctx, func(tx *session) error {
		_, err := tx.exec(ctx, "INSERT OR IGNORE INTO unsettled (subject) SELECT id FROM subjects")
		return err
	})
	r.writer.behind = r.writer.behind || err == nil
	r.commits.Unlock()
	if err != nil {
		return told("identify anew", err)
	}
	return r.commit(ctx, true)
}
