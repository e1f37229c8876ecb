import ArgumentParser
import Bridge
import Glibc
import Simulation
import VEDirect

/// Chargers and a MasterBus on pseudo-terminals.
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Simulated chargers and a MasterBus on pseudo-terminals, for trying things out.",
        discussion: """
              vebridge simulate            one charger; prints its port, until Ctrl-C
              vebridge simulate --chargers 3 --day 10m --link /tmp/charger
              vebridge simulate --noise 'ber=1e-3,burst=0.1/s:20ms,drop=1e-4'
              vebridge simulate --multiplexer 4 --link /tmp/aft
                                           four chargers behind one port; prints
                                           what to write into the configuration
              vebridge simulate --noise-script bad-day.txt
              vebridge simulate --masterbus --bus-fault mute:0x31297@20s+10s

            Kinds of noise, joined by commas; each direction draws for itself:
            \(NoiseText.usage)

            A noise script has lines such as these, in the order of time:
                at 30s ber=1e-2,echo
                at 2m clean
                repeat 3m

            Faults of the bus: mute:DEVICE, late:DEVICE:400ms, duplicates:DEVICE,
            busoff, errors:2s, master (another one that asks), each with
            @START+LENGTH where it is not for ever.
            """)

    @Option(help: "How many chargers (1 to 64).")
    var chargers = 1

    @Option(help: "The number of the first charger: others have other serials and models.")
    var first = 0

    @Option(help: "Firmware of all of them: 1.16, 1.50, 1.64 or 3.16; without it they differ.")
    var firmware: String?

    @Option(help: "How long a simulated day takes: 24h is real time, 10m is fast.")
    var day = "24h"

    @Option(help: "The hour at which the day begins.")
    var hour = 10.0

    @Option(help: "Links to the ports: PATH0, PATH1, …")
    var link: String?

    @Option(help: "What the line does to the bytes, for example ber=1e-3,burst=0.1/s:20ms,echo; see above.")
    var noise: String?

    @Option(help: "That many chargers behind one multiplexer instead, with a file for its select lines.")
    var multiplexer: Int?
    @Option(help: ArgumentHelp("Noise that changes as time goes on; see above.", valueName: "file"))
    var noiseScript: String?

    @Flag(help: "A MasterBus too: a shunt on the same battery and a Mass Combi, behind an slcan adapter.")
    var masterbus = false

    @Option(help: "What goes wrong on the bus; may be given often.")
    var busFault: [String] = []

    @Flag(help: "The bus's display is awake and reads what it shows.")
    var display = false

    @Option(help: "Another seed is another sky and another noise.")
    var seed: UInt64 = 1

    func validate() throws {
        if let multiplexer, !(1...64).contains(multiplexer) {
            throw ValidationError("--multiplexer: 1 to 64, not \(multiplexer)")
        }
        if multiplexer != nil, noise != nil || masterbus || display || !busFault.isEmpty {
            throw ValidationError("--multiplexer stands alone: without --noise and without a MasterBus")
        }
        guard (1...64).contains(chargers) else { throw ValidationError("--chargers: 1 to 64, not \(chargers)") }
        guard (0...1000).contains(first) else { throw ValidationError("--first: 0 to 1000, not \(first)") }
        if let firmware, SimulatedFleet.firmware(firmware) == nil {
            throw ValidationError("--firmware: 1.16, 1.50, 1.64 or 3.16, not '\(firmware)'")
        }
        _ = try DurationOption.value("--day", day)
        guard (0..<24).contains(hour) else { throw ValidationError("--hour: 0 to 24, not \(hour)") }
        for fault in busFault where SimulatedFleet.fault(fault) == nil {
            throw ValidationError("--bus-fault: such as mute:0x31297@20s+10s, not '\(fault)'; see --help")
        }
        _ = try NoiseText.script(noise: noise, file: noiseScript)
    }

    func run() throws {
        let mailbox = Mailbox()
        StopSignals.watch { mailbox.stop(reason: $0) }
        let dayLength = try DurationOption.value("--day", day) ?? .seconds(86_400)
        let plant = SimulatedFleet.plant(
            chargers: multiplexer ?? chargers, first: first, firmware: firmware.flatMap(SimulatedFleet.firmware),
            startHour: hour,
            dayLength: dayLength, seed: seed)
        if multiplexer != nil {
            try runMultiplexer(plant, until: mailbox)
            return
        }
        let links = link.map { link in (0..<chargers).map { "\(link)\($0)" } } ?? []
        let host: ChargerHost
        do {
            host = try ChargerHost(plant, links: links)
            try host.start()
        } catch {
            Terminal.complain("cannot make a pseudo-terminal: \(error)")
            throw Status.failed.exit
        }
        defer { host.stop() }
        if let script = try NoiseText.script(noise: noise, file: noiseScript) {
            for index in 0..<chargers {
                host.impair(
                    index,
                    ImpairedLine(
                        script, toHost: seed &* 1000 &+ UInt64(index), toCharger: seed &* 1000 &+ 500 &+ UInt64(index)))
            }
        }
        for (index, path) in host.paths.enumerated() {
            let charger = host.plant.chargers[index]
            Terminal.print("\(index < links.count ? links[index] : path ?? "-") \(charger.serial)")
        }
        let bus = try masterbus || display || !busFault.isEmpty ? startBus(host) : nil
        defer { bus?.stop() }
        if let bus { Terminal.print("slcan:\(bus.path) masterbus") }
        let ports = host.paths.enumerated().compactMap { $0 < links.count ? links[$0] : $1 }
        Terminal.complain(
            "running until Ctrl-C; read them with: vebridge --dry-run --ports \(ports.joined(separator: " "))"
                + (bus.map { " --can slcan:\($0.path)" } ?? ""))
        _ = mailbox.waitForStop()
    }
}

extension Simulate {
    /// Chargers behind one port, until the end.
    private func runMultiplexer(_ plant: SimulatedPlant, until mailbox: Mailbox) throws {
        let port = link ?? "/tmp/vebridge-multiplexer-\(getpid())"
        let host: MultiplexerHost
        do {
            host = try MultiplexerHost(plant, selectFile: port + ".select", link: port)
            try host.start()
        } catch {
            Terminal.complain("cannot make a multiplexer: \(error)")
            throw Status.failed.exit
        }
        defer { host.stop() }
        Terminal.print("[[multiplexer]]")
        Terminal.print("name = \"simulated\"")
        Terminal.print("port = \"\(port)\"")
        Terminal.print("select = \"file:\(host.selectFile)\"")
        Terminal.print("channels = \(plant.chargers.count)")
        for (value, charger) in plant.chargers.enumerated() { Terminal.print("# channel \(value): \(charger.serial)") }
        Terminal.complain(
            "running until Ctrl-C; put the lines above into a file and read it with: vebridge --dry-run --config FILE")
        _ = mailbox.waitForStop()
    }

    private func startBus(_ host: ChargerHost) throws -> BusHost {
        var bus = SimulatedBus(seed: seed)
        bus.faults = busFault.compactMap(SimulatedFleet.fault)
        do {
            let started = try BusHost(bus, plant: host, link: link.map { $0 + "-bus" })
            if display { started.change { bus, now in bus.wakeDisplay(true, at: now) } }
            try started.start()
            return started
        } catch {
            Terminal.complain("cannot make a pseudo-terminal: \(error)")
            throw Status.failed.exit
        }
    }
}

/// The chargers of `simulate` and `demo`.
enum SimulatedFleet {
    static func fault(_ text: String) -> BusFault? { BusFault(text, devices: SimulatedBus().devices.map(\.address)) }

    static func firmware(_ text: String) -> FirmwareVersion? {
        switch text {
        case "1.16": .v116
        case "1.50": .v150
        case "1.64": .v164
        case "3.16": .v316
        default: nil
        }
    }

    static func plant(
        chargers: Int, first: Int = 0, firmware: FirmwareVersion?, startHour: Double, dayLength: Duration,
        battery: SimulatedBattery = SimulatedBattery(), seed: UInt64
    ) -> SimulatedPlant {
        var site = SimulatedSite(clock: SolarClock(startHour: startHour, dayLength: dayLength), battery: battery)
        site.sky = Sky(seed: seed)
        var plant = SimulatedPlant(site: site)
        for index in first..<first + chargers {
            let serial =
                "HQ20\(10 + index % 40)SIM\(String(index + 10, radix: 36, uppercase: true).last ?? "A")\(index % 10)"
            let model: ChargerModel =
                switch index % 3 {
                case 0: .smartSolar150x60(serial: serial, firmware: firmware ?? .v164)
                case 1: .smartSolar75x15(serial: serial, firmware: firmware ?? .v316)
                default: .blueSolar75x15(serial: serial, firmware: firmware ?? .v150)
                }
            plant.add(model, seed: seed &+ UInt64(index))
        }
        return plant
    }
}
