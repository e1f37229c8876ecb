import Testing

@testable import VEDirect

@Suite("Tables")
struct CatalogueTests {
    private let catalogue = RegisterCatalogue.standard

    @Test("Every row of the three tables is read")
    func rows() {
        #expect(Table(registerTable).rows.count == 572)
        #expect(catalogue.definitions.count == 572)
        #expect(Table(productTable).rows.count == 772)
        #expect(Product.table.count == 772)
        #expect(Table(enumTable).rows.count == 354)
        let entries = Enumerations.standard.names.flatMap { Enumerations.standard.entries(of: $0) }
        #expect(entries.count == 354)
    }

    @Test("A row that is not what its headings say is not read")
    func badRows() {
        let heading = "id\tname\tkind\tscale\tunit\tnot_available\taccess\tenum\tproducts\tsource\tobserved\tnote\n"
        let good = "EDBC\tpanel_power\tun32\t0.01\tW\tFFFFFFFF\tro\t\tmppt\tdocument\t4\t"
        func count(_ row: String) -> Int { RegisterCatalogue(table: heading + row).definitions.count }
        #expect(count(good) == 1)
        let bad = [
            ("EDBC", "EDB"), ("EDBC", "XDBC"), ("un32", "un24"), ("0.01", "0,01"), ("\tro\t", "\tro"),
            ("\tro\t", "\trx\t"),
            ("document", "rumour"),
        ]
        for (from, to) in bad {
            let row = good.split(separator: from, omittingEmptySubsequences: false).joined(separator: to)
            #expect(row != good)
            #expect(count(row) == 0, "\(row)")
        }
    }

    @Test("Numbers and names are unique, names are lower case, and both find their register")
    func unique() {
        let definitions = catalogue.definitions
        #expect(Set(definitions.map(\.id)).count == definitions.count)
        #expect(Set(definitions.map(\.name)).count == definitions.count)
        #expect(definitions.map(\.id) == definitions.map(\.id).sorted())
        let letters = Set("abcdefghijklmnopqrstuvwxyz0123456789_")
        for definition in definitions {
            #expect(definition.name.allSatisfy { letters.contains($0) }, "\(definition.name)")
            #expect(catalogue[definition.id]?.name == definition.name)
            #expect(catalogue[name: definition.name]?.id == definition.id)
            #expect(catalogue.register(named: definition.name) == definition.id)
            #expect(catalogue.register(named: "0x" + definition.id.hex) == definition.id)
            #expect(RegisterID(hex: definition.name) == nil, "\(definition.name) is a number, too")
        }
        #expect(Set(Product.table.map(\.id)).count == 772)
        #expect(catalogue.register(named: "edbc") == .panelPower)
        #expect(catalogue.register(named: "panel_powr") == nil)
        #expect(catalogue.names(like: "panel_pow").first == "panel_power")
    }

    @Test("Units are known ones, scales are positive, and a unit stands only with a number")
    func units() {
        let known: Set = [
            "", "V", "A", "W", "VA", "Ah", "kWh", "K", "degC", "%", "s", "ms", "min", "h", "d", "Hz", "Ohm", "m3",
            "mV/K",
            "A/C", "mV/minute",
        ]
        for definition in catalogue.definitions {
            #expect(known.contains(definition.unit), "\(definition.name) in \(definition.unit)")
            #expect(definition.scale.numerator > 0 && definition.scale.denominator >= 1)
            #expect(definition.scale.value(of: 1) >= 0.0001 && definition.scale.value(of: 1) <= 1)
            #expect(definition.scale.decimals <= 4)
            switch definition.kind {
            case .unsigned, .signed, .float, .structure: break
            default: #expect(definition.unit.isEmpty, "\(definition.name)")
            }
        }
    }

    @Test(
        "docs/vedirect.md 7: the number for 'not available' is all ones, or the greatest positive one of a signed register"
    )
    func sentinels() {
        var checked = 0
        for definition in catalogue.definitions {
            guard let number = definition.notAvailable else { continue }
            switch definition.kind {
            case .unsigned(let bytes): #expect(number == UInt64.max >> (64 - 8 * UInt64(bytes)), "\(definition.name)")
            case .signed(let bytes): #expect(number == UInt64.max >> (65 - 8 * UInt64(bytes)), "\(definition.name)")
            default: continue
            }
            checked += 1
        }
        #expect(checked > 150)
    }

    @Test("Every enumeration that a register names exists, and has no number twice")
    func enumerations() {
        for definition in catalogue.definitions {
            guard let name = definition.enumeration else { continue }
            #expect(!Enumerations.standard.entries(of: name).isEmpty, "\(definition.name) names \(name)")
        }
        for name in Enumerations.standard.names {
            let entries = Enumerations.standard.entries(of: name)
            #expect(Set(entries.map(\.value)).count == entries.count, "\(name)")
            #expect(entries.allSatisfy { !$0.label.isEmpty }, "\(name)")
            if name.hasSuffix("_bits") {
                #expect(entries.allSatisfy { $0.value.nonzeroBitCount <= 1 }, "\(name)")
            }
        }
    }

    @Test("Words for numbers and for bits")
    func labels() throws {
        let state = try #require(catalogue[.deviceState])
        #expect(state.label(of: 0) == "off / not charging")
        #expect(state.label(of: 200) == nil)
        let reason = try #require(catalogue[.offReason])
        #expect(reason.label(of: 9) == "no input power, remote input")
        #expect(reason.label(of: 0) == "")
        #expect(try #require(catalogue[.panelPower]).label(of: 1) == nil)
    }

    @Test("Observed sizes are sizes that the register can have")
    func observedSizes() {
        for definition in catalogue.definitions {
            for size in definition.observedSizes {
                let value = RawValue([UInt8](repeating: 1, count: size))
                #expect(throws: Never.self, "\(definition.name), \(size) bytes") { try definition.decode(value) }
            }
        }
    }

    @Test("Registers that make a device act are not for asking")
    func readable() throws {
        let restore = try #require(catalogue[RegisterID(0x0004)])
        #expect(!restore.isReadable)
        #expect(catalogue.definitions.filter { $0.kind == .command }.allSatisfy { !$0.isReadable })
        #expect(try #require(catalogue[.panelPower]).isReadable)
    }

    @Test("The registers that the library speaks of are in the table, under their names")
    func known() {
        let expected: [(RegisterID, String)] = [
            (.productID, "product_id"), (.serialNumber, "serial_number"), (.panelPower, "panel_power"),
            (.panelVoltage, "panel_voltage"), (.chargerVoltage, "battery_voltage"),
            (.chargerCurrent, "charger_current"),
            (.deviceState, "device_state"), (.yieldToday, "yield_today"), (.batteryTemperature, "battery_temperature"),
            (.systemVoltage, "system_voltage"), (.batteryType, "battery_type"), (.uptime, "uptime"),
        ]
        for (id, name) in expected { #expect(catalogue[id]?.name == name) }
        // The name that it had before.
        #expect(catalogue.register(named: "charger_voltage") == .chargerVoltage)
        #expect(catalogue.register(named: "battery_voltage") == .chargerVoltage)
        for age in 0...30 { #expect(catalogue[.historyDay(age)]?.kind == .historyDay) }
        #expect(catalogue[.historyTotal]?.kind == .historyTotal)
    }

    @Test("Products: model, family, ratings")
    func products() throws {
        let charger = try #require(Product.withID(0xA053))
        #expect(charger.family == .mppt)
        #expect(charger.ratings?.panelVoltage == 75)
        #expect(charger.ratings?.chargeCurrent == 15)
        #expect(Product.withID(0xFFFE) == nil)
        #expect(Product.table.filter { $0.family.isSolarCharger }.count > 50)
        let monitor = try #require(Product.withID(0xA381))
        #expect(monitor.family == .batteryMonitor)
        #expect(monitor.ratings == nil)
    }

    @Test("docs/vedirect.md 12: firmware versions in their three forms")
    func firmware() throws {
        #expect(FirmwareVersion(word: 0x4161)?.description == "1.61")
        #expect(FirmwareVersion(word: 0x4414)?.description == "4.14")
        #expect(FirmwareVersion(word: 0xC208)?.description == "2.08-rc")
        #expect(FirmwareVersion(text: "161")?.description == "1.61")
        #expect(FirmwareVersion(text: "0308")?.description == "3.08")
        #expect(FirmwareVersion(text: "C208")?.description == "2.08-rc")
        #expect(FirmwareVersion(extendedText: "316FF")?.description == "3.16")
        #expect(FirmwareVersion(extendedText: "0342FF")?.description == "3.42")
        #expect(FirmwareVersion(text: "") == nil)
        #expect(FirmwareVersion(text: "1.19") == nil)
        #expect(FirmwareVersion(text: "+161") == nil)
        #expect(FirmwareVersion(extendedText: "+316FF") == nil)
        #expect(FirmwareVersion(extendedText: "161") == nil)
        #expect(FirmwareVersion(major: 1, minor: 52) < FirmwareVersion(major: 1, minor: 53))
        #expect(FirmwareVersion(major: 1, minor: 52).stopsTextWhileAsked)
        #expect(!FirmwareVersion(major: 1, minor: 53).stopsTextWhileAsked)
    }

    @Test("Register numbers as text")
    func registerIDs() {
        #expect(RegisterID(hex: "EDBC") == .panelPower)
        #expect(RegisterID(hex: "0xedbc") == .panelPower)
        #expect(RegisterID(hex: "0Xedbc") == .panelPower)
        for wrong in ["", "EDB", "EDBCC", "0x", "+EDB", "-EDB", "ED C", "0xEDBCF", "xEDBC"] {
            #expect(RegisterID(hex: wrong) == nil, "\(wrong)")
        }
        #expect(RegisterID(0x0120).hex == "0120")
    }
}
