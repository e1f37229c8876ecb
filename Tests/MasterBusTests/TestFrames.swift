import Testing

@testable import MasterBus

/// A frame written as in a log: `086F1297#0000DB9AC542`.
func frame(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> Frame {
    guard case .frame(let captured) = CandumpLine("(0.000000) can0 \(text)") else {
        Issue.record("not a frame: \(text)", sourceLocation: sourceLocation)
        return Frame(rawIdentifier: 0, flags: [], bits: 0, count: 0)
    }
    return captured.frame
}

let shunt = DeviceAddress(type: 0x1B, uid: 0x31297)
let combi = DeviceAddress(type: 0x0E, uid: 0x2F412)
let display = DeviceAddress(type: 0x14, uid: 0x0840A)

/// A generator that gives the same numbers in every run.
struct Dice: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
