// Package ask is the pace-keeper, the only room that opens a socket towards a device. It is handed the protocols and makes a
// [Plan] of what they would ask whom; [Keeper.Sweep] and [Keeper.Run] then send that and nothing else.
//
// Each device gets one connection at a time over all protocols, closed in order (protocol close, FIN, read to the end) and
// followed by a pause. Every message that leaves was first found in the plan's list of requests, charged to the budget of the
// device, and held back until the pace of the device and of the run allowed it; it then stands in the ledger with what came
// of it. A device that falls silent, closes or resets inside an exchange after it had answered, answers slower than three times
// its own measure, or no longer serves its own clients as before ([Watch]) is in distress and is left alone for the rest of the
// run. Devices that are gone pause and stop the run.
//
// All numbers stand in limits.go. They are the project's own: no publication gives a rate that is safe for every controller.
package ask
