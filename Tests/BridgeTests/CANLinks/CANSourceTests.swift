import Testing

@testable import Bridge

@Suite("The name of a link to a bus")
struct CANSourceTests {
    @Test(
        "is read, and written as it was",
        arguments: [
            ("can0", CANSource.interface("can0")), ("vcan-boat.1", .interface("vcan-boat.1")),
            ("slcan:/dev/ttyACM0", .serial(path: "/dev/ttyACM0", baud: 115_200)),
            ("slcan:/dev/ttyUSB3@1000000", .serial(path: "/dev/ttyUSB3", baud: 1_000_000)),
            ("replay:morning.log", .replay(file: "morning.log")),
            ("replay:/a b/c:d.log", .replay(file: "/a b/c:d.log")),
        ])
    func read(text: String, source: CANSource) throws {
        #expect(try CANSource(parsing: text) == source)
        #expect(source.description == text)
    }

    @Test(
        "that is none is refused with what would be right",
        arguments: [
            ("", "1 to 15 visible characters"), ("can0 ", "1 to 15"), ("canwithaverylongname", "1 to 15"),
            ("/dev/ttyACM0", "write slcan:/dev/ttyACM0"), ("slcan:", "slcan:/dev/ttyACM0"),
            ("slcan:ttyACM0", "slcan:/dev/ttyACM0"), ("slcan:/dev/ttyACM0@12", "no speed of a port"),
            ("replay:", "wants a file"), ("udp:1.2.3.4", "neither an interface"), ("a/b", "neither an interface"),
        ])
    func refused(text: String, hint: String) {
        let error = #expect(throws: CANSource.ParseError.self) { try CANSource(parsing: text) }
        #expect(error?.description.contains(hint) == true)
    }
}
