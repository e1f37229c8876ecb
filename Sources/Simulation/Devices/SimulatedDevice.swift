import VEDirect

/// A VE.Direct device with fixed values, of any kind: TEXT blocks at a fixed period, and answers to HEX requests, at
/// 19200 baud.
///
/// It does no I/O and has no clock: bytes go in and come out. What a real device of the kind would measure is up to the
/// caller.
public struct SimulatedDevice: Sendable {
    /// As in command 4; nil for a device that does not know the command.
    public var productID: UInt16?
    /// The payload of the answer to a ping.
    public var version: [UInt8]
    /// The registers that it answers, with their bytes on the wire; it does not know any other.
    public var registers: [RegisterID: [UInt8]]
    /// Its TEXT blocks, without `Checksum`; all of them are sent in each period.
    public var text: [[(label: String, value: String)]]
    /// From the start of one set of TEXT blocks to the next.
    public var textPeriod: Duration
    /// Whether it answers HEX requests.
    public var answers = true
    /// From a request to its answer.
    public var turnAround: Duration = .milliseconds(20)
    /// How often a host sent something that a read-only host never sends.
    public private(set) var forbiddenCommands = 0

    private var uart = OutgoingLine()
    private var input: [UInt8] = []
    private var isInsideLine = false
    private var waiting: [(due: Duration, frame: [UInt8])] = []
    private var nextText: Duration = .milliseconds(100)
    private var clock: Duration = .zero

    /// A device that knows what is given here, and its serial number in register 010A.
    public init(
        serial: String, productID: UInt16?, version: [UInt8] = [0x64, 0x41],
        registers: [RegisterID: [UInt8]] = [:], text: [[(label: String, value: String)]] = [],
        textPeriod: Duration = .seconds(1)
    ) {
        self.productID = productID
        self.version = version
        self.registers = registers
        self.text = text
        self.textPeriod = textPeriod
        self.registers[.serialNumber] = Array(serial.utf8)
        if let productID { self.registers[.productID] = [0] + little(productID, 2) + [0xFE] }
    }

    /// A solar charger, a SmartSolar MPPT 150/60, with this much power from its panels, in whole watts.
    public static func solarCharger(serial: String, watts: Int, productID: UInt16 = 0xA062) -> SimulatedDevice {
        SimulatedDevice(
            serial: serial, productID: productID,
            registers: [
                .panelPower: little(watts * 100, 4), .panelVoltage: little(4000, 2), .trackerMode: [2],
                .chargerVoltage: little(1330, 2), .chargerCurrent: little(watts * 100 / 133, 2), .deviceState: [3],
                .systemYield: little(12_345, 4), .yieldToday: little(150, 2), .chargerError: [0],
            ],
            text: [
                [
                    ("PID", "0x\(RegisterID(productID).hex)"), ("FW", "164"), ("SER#", serial), ("V", "13300"),
                    ("VPV", "40000"), ("PPV", "\(watts)"), ("CS", "3"), ("ERR", "0"),
                ]
            ])
    }

    /// A battery monitor, a SmartShunt 500A, with -2.5 A. Its TEXT has no serial number.
    public static func batteryMonitor(serial: String, productID: UInt16 = 0xA389) -> SimulatedDevice {
        SimulatedDevice(
            serial: serial, productID: productID, version: [0x14, 0x44],
            registers: [
                RegisterID(0xED8D): little(1328, 2), .batteryCurrent: little(-2500, 4),
                RegisterID(0x0FFF): little(8730, 2),
            ],
            text: [
                [
                    ("PID", "0x\(RegisterID(productID).hex)"), ("V", "13280"), ("I", "-2500"), ("P", "-33"),
                    ("CE", "-12700"), ("SOC", "873"), ("TTG", "610"), ("Alarm", "OFF"), ("AR", "0"), ("FW", "0414"),
                    ("MON", "0"),
                ], [("H1", "-60000"), ("H7", "11900"), ("H8", "14500"), ("H17", "1000"), ("H18", "1100")],
            ])
    }

    /// An AC charger, a Phoenix Smart IP43 12/50, with 20 A into the battery.
    public static func acCharger(serial: String, productID: UInt16 = 0xA340) -> SimulatedDevice {
        SimulatedDevice(
            serial: serial, productID: productID, version: [0xFF, 0x42, 0x03],
            registers: [
                .chargerVoltage: little(1330, 2), .chargerCurrent: little(200, 2), .deviceState: [4],
                .chargerError: [0],
            ],
            text: [
                [
                    ("PID", "0x\(RegisterID(productID).hex)"), ("FWE", "342FF"), ("SER#", serial), ("V", "13300"),
                    ("I", "20000"), ("T", "---"), ("CS", "4"), ("ERR", "0"),
                ]
            ])
    }

    /// A DC-DC charger, an Orion XS 12/12-50, with 435 W at its input. It answers the panels' registers with its input.
    public static func orionXS(serial: String, productID: UInt16 = 0xA3F0) -> SimulatedDevice {
        SimulatedDevice(
            serial: serial, productID: productID, version: [0xFF, 0x12, 0x01],
            registers: [
                .panelPower: little(43_500, 4), .panelVoltage: little(1262, 2), .panelCurrent: little(344, 2),
                .trackerMode: [2], .chargerVoltage: little(1330, 2), .chargerCurrent: little(320, 2), .deviceState: [3],
                .systemYield: little(500, 4), .yieldToday: little(10, 2), .chargerError: [0],
            ],
            text: [
                [
                    ("PID", "0x\(RegisterID(productID).hex)"), ("FWE", "112FF"), ("SER#", serial), ("V", "13300"),
                    ("I", "32000"), ("P", "425"), ("DC_IN_V", "1262"), ("DC_IN_I", "344"), ("DC_IN_P", "435"),
                    ("CS", "3"), ("OR", "0x00000000"), ("ERR", "0"),
                ]
            ], textPeriod: .seconds(4))
    }

    // MARK: Time

    /// When the next byte or block leaves.
    public var nextDeadline: Duration {
        [nextText, waiting.first?.due, uart.runEnds, uart.nextByte].compactMap(\.self).min() ?? nextText
    }

    /// The bytes that have left up to `now` and were not taken yet, in order.
    public mutating func transmit(until now: Duration) -> [UInt8] {
        advance(to: now)
        return uart.take(until: clock)
    }

    /// Bytes that arrive from the host, in pieces of any size.
    public mutating func receive(_ bytes: [UInt8], at now: Duration) {
        advance(to: now)
        for byte in bytes { receive(byte) }
    }

    private mutating func advance(to now: Duration) {
        while let event = [nextText, waiting.first?.due, uart.runEnds].compactMap(\.self).min(), event <= now {
            clock = max(clock, event)
            if nextText <= clock {
                nextText += textPeriod
                if !uart.hasText { for block in text { uart.queueText(Self.block(block)) } }
            }
            while let first = waiting.first, first.due <= clock { uart.queue(waiting.removeFirst().frame) }
            uart.start(at: clock, cutsText: false)
        }
        clock = max(clock, now)
        uart.start(at: clock, cutsText: false)
    }

    private static func block(_ fields: [(label: String, value: String)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for field in fields { bytes += Array("\r\n\(field.label)\t\(field.value)".utf8) }
        bytes += Array("\r\nChecksum\t".utf8)
        bytes.append(0 &- bytes.reduce(0, &+))
        return bytes
    }

    // MARK: Requests

    private static let maximumWaiting = 8

    private mutating func receive(_ byte: UInt8) {
        if byte == 0x3A {
            isInsideLine = true
            input.removeAll(keepingCapacity: true)
        } else if byte == 0x0A, isInsideLine {
            isInsideLine = false
            guard let (command, payload) = HexLine.parse(input) else { return }
            if command == 0 || command == 6 || command == 8 { forbiddenCommands += 1 }
            guard answers, waiting.count < Self.maximumWaiting else { return }
            waiting.append((clock + turnAround, answer(command, payload)))
        } else if isInsideLine, input.count < 64 {
            input.append(byte)
        }
    }

    private func answer(_ command: UInt8, _ payload: [UInt8]) -> [UInt8] {
        switch command {
        case 1: return HexLine.frame(5, version)
        case 3: return HexLine.frame(1, version)
        case 4: return productID.map { HexLine.frame(1, little($0, 2)) } ?? HexLine.frame(3, [4, 0])
        case 7:
            guard payload.count >= 3 else { return HexLine.frame(4, [0xAA, 0xAA]) }
            let value = registers[RegisterID(UInt16(payload[0]) | UInt16(payload[1]) << 8)]
            return HexLine.frame(7, [payload[0], payload[1], value == nil ? 1 : 0] + (value ?? []))
        default: return HexLine.frame(3, [command, 0])
        }
    }
}
