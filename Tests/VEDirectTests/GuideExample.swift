import Testing
import VEDirect

// The example of `VEDirect.docc/VEDirect.md`, between the two marks; a test compares them. What the page's reader
// does with a serial port is here a simulated line.
enum GuideExample {
    static func run(incoming: [[UInt8]], send: ([UInt8]) -> Void, print: (String) -> Void) {
        // <example>
        var decoder = StreamDecoder()
        let catalogue = RegisterCatalogue.standard

        // Ask for panel power; the answer comes when it comes, between whatever else the device says.
        send(Request.get(.panelPower).bytes)

        for bytes in incoming {
            decoder.decode(bytes) { event in
                switch event {
                case .hex(let frame):
                    guard let register = frame.register, frame.flags == [], let definition = catalogue[register],
                        let value = try? definition.decode(frame.value), let number = value.scaled
                    else { return }
                    print("\(definition.name) = \(number) \(definition.unit)")
                case .text(let block):
                    print("TEXT says that the battery has \(block.value(of: "V") ?? "?") mV")
                case .rejected(let rejection):
                    print("refused: \(rejection.what.rawValue), \(rejection.reason.rawValue)")
                }
            }
        }
        // </example>
    }
}
