import MasterBus

/// What a display and two devices say: values for the most part, questions, metadata and pieces of texts.
enum BusTraffic {
    static func frames(_ count: Int) -> [Frame] {
        let shunt = DeviceAddress(type: 0x1B, uid: 0x31297)
        let combi = DeviceAddress(type: 0x0E, uid: 0x2F412)
        var state: UInt64 = 1
        func dice(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        return (0..<count).map { _ in
            let device = dice(2) == 0 ? shunt : combi
            let attribute = UInt16(dice(8))
            switch dice(10) {
            case 0..<3: return BusRequest.read(device, attribute: attribute).frame
            case 3..<7: return BusAnswer.value(attribute: attribute, Float(dice(1000)) / 7).frame(from: device)
            case 7: return BusAnswer.metadata(attribute: attribute, .visualisation(1), leftover: 3).frame(from: device)
            case 8: return BusRequest.metadata(device, attribute: attribute, .unit).frame
            default:
                let chunk = StringChunk(id: 20, sequence: 0, characters: 0x25, length: 1)
                return BusAnswer.string(chunk).frame(from: device)
            }
        }
    }
}
