import VEDirect

extension Quantity {
    /// Every quantity there is. Thresholds and intervals are chosen so that a cloudy day stays below 1,500 messages an
    /// hour and charger, and nothing that a person would notice is kept from him.
    public static let table: [Quantity] = [
        // Chargers
        Quantity(
            .charger, "panel_power", "Panel power", "W", .number(decimals: 1), .register(.panelPower),
            threshold: 1, relative: 0.01, every: .seconds(10), .measured("power")),
        Quantity(
            .charger, "panel_voltage", "Panel voltage", "V", .number(decimals: 2), .register(.panelVoltage),
            threshold: 0.5, every: .seconds(30), .measured("voltage")),
        Quantity(
            .charger, "panel_current", "Panel current", "A", .number(decimals: 1), .register(.panelCurrent),
            threshold: 0.2, every: .seconds(30), .measured("current").optional),
        Quantity(
            .charger, "battery_voltage", "Battery voltage", "V", .number(decimals: 2), .register(.chargerVoltage),
            threshold: 0.03, every: .seconds(30), .measured("voltage")),
        Quantity(
            .charger, "charge_current", "Charge current", "A", .number(decimals: 1), .register(.chargerCurrent),
            threshold: 0.2, relative: 0.01, every: .seconds(20), .measured("current")),
        Quantity(
            .charger, "battery_current", "Battery current", "A", .number(decimals: 2), .register(.batteryCurrent),
            threshold: 0.2, relative: 0.01, every: .seconds(30), .measured("current").optional),
        Quantity(
            .charger, "load_current", "Load current", "A", .number(decimals: 1), .register(.loadCurrent),
            threshold: 0.2, every: .seconds(20), .measured("current")),
        Quantity(
            .charger, "load", "Load output", "", .flag, .register(.loadState), every: .seconds(5), .plain("power")),
        Quantity(
            .charger, "charge_state", "State", "", .word(stateWords), .register(.deviceState), every: .seconds(2),
            .plain("enum")),
        Quantity(
            .charger, "error", "Error", "", .word(errorWords), .register(.chargerError), every: .seconds(2),
            .plain("enum", icon: "mdi:alert-circle-outline")),
        Quantity(
            .charger, "problem", "Problem", "", .flag, .register(.chargerError), every: .seconds(2),
            .plain("problem")),
        Quantity(
            .charger, "tracker_mode", "Tracker", "", .word(trackerWords), .register(.trackerMode), every: .seconds(30),
            .plain("enum").hidden),
        Quantity(
            .charger, "off_reason", "Reason for being off", "", .text, .register(.offReason), every: .seconds(30),
            .plain(nil, icon: "mdi:power-off").hidden),
        Quantity(
            .charger, "yield_today", "Yield today", "kWh", .number(decimals: 2), .register(.yieldToday),
            threshold: 0.01, every: .seconds(60), .counter),
        Quantity(
            .charger, "yield_total", "Yield", "kWh", .number(decimals: 2), .register(.systemYield),
            threshold: 0.01, every: .seconds(60), .counter),
        Quantity(
            .charger, "yield_since_reset", "Yield since reset", "kWh", .number(decimals: 2), .register(.userYield),
            threshold: 0.01, every: .seconds(300), .counter.optional),
        Quantity(
            .charger, "yield_yesterday", "Yield yesterday", "kWh", .number(decimals: 2), .register(.yieldYesterday),
            threshold: 0.01, every: .seconds(300), .plain("energy")),
        Quantity(
            .charger, "max_power_today", "Greatest power today", "W", .number(decimals: 0),
            .register(.maximumPowerToday), threshold: 1, every: .seconds(60), .measured("power")),
        Quantity(
            .charger, "max_power_yesterday", "Greatest power yesterday", "W", .number(decimals: 0),
            .register(.maximumPowerYesterday), threshold: 1, every: .seconds(300), .plain("power").optional),
        Quantity(
            .charger, "share", "Share of solar power", "%", .number(decimals: 1), .share, threshold: 1,
            every: .seconds(60), .measured(nil, icon: "mdi:chart-pie").optional),
        Quantity(
            .charger, "temperature", "Temperature", "°C", .number(decimals: 1), .register(.chargerTemperature),
            threshold: 0.5, every: .seconds(60), .measured("temperature")),
        Quantity(
            .charger, "battery_temperature", "Battery temperature", "°C", .number(decimals: 1),
            .register(.batteryTemperature, plus: -273.15), threshold: 0.5, every: .seconds(60),
            .measured("temperature")),
        Quantity(
            .charger, "absorption_voltage", "Absorption voltage", "V", .number(decimals: 2),
            .register(.absorptionVoltage), threshold: 0.01, every: .seconds(10), .measured("voltage").hidden),
        Quantity(
            .charger, "float_voltage", "Float voltage", "V", .number(decimals: 2), .register(.floatVoltage),
            threshold: 0.01, every: .seconds(10), .measured("voltage").hidden),
        Quantity(
            .charger, "voltage_setpoint", "Voltage set-point", "V", .number(decimals: 2),
            .register(.linkVoltageSetpoint), threshold: 0.01, every: .seconds(30), .measured("voltage").hidden),
        Quantity(
            .charger, "max_charge_current", "Greatest charge current", "A", .number(decimals: 1),
            .register(.maximumCurrent), threshold: 0.1, every: .seconds(10), .measured("current").hidden),
        Quantity(
            .charger, "system_voltage", "System voltage", "V", .number(decimals: 0), .register(.systemVoltage),
            threshold: 1, every: .seconds(10), .measured("voltage").hidden),
        Quantity(
            .charger, "battery_type", "Battery type", "", .text, .register(.batteryType), every: .seconds(10),
            .plain(nil, icon: "mdi:car-battery").hidden),
        Quantity(
            .charger, "port", "Port", "", .text, .port, every: .seconds(10),
            .plain(nil, icon: "mdi:serial-port").hidden),

        // Battery
        Quantity(
            .battery, "voltage", "Voltage", "V", .number(decimals: 2), .figure(\.batteryVoltage), threshold: 0.03,
            every: .seconds(30), .measured("voltage")),
        Quantity(
            .battery, "current", "Current", "A", .number(decimals: 1), .monitored(\.batteryCurrent), threshold: 0.3,
            relative: 0.02, every: .seconds(20), .measured("current")),
        Quantity(
            .battery, "power", "Power", "W", .number(decimals: 0), .figure(\.batteryPower), threshold: 5,
            relative: 0.02, every: .seconds(20), .measured("power")),
        Quantity(
            .battery, "state_of_charge", "State of charge", "%", .number(decimals: 1), .figure(\.stateOfCharge),
            threshold: 0.2, every: .seconds(30), .measured("battery")),
        Quantity(
            .battery, "consumed_charge", "Consumed charge", "Ah", .number(decimals: 1), .figure(\.consumedCharge),
            threshold: 0.5, every: .seconds(60), .measured(nil, icon: "mdi:battery-minus-outline").optional),
        Quantity(
            .battery, "energy_in", "Energy in", "kWh", .number(decimals: 3), .energy(.batteryIn), threshold: 0.01,
            every: .seconds(60), .counter),
        Quantity(
            .battery, "energy_out", "Energy out", "kWh", .number(decimals: 3), .energy(.batteryOut), threshold: 0.01,
            every: .seconds(60), .counter),

        // Inverter
        Quantity(
            .inverter, "inverter_state", "State", "", .text, .inverterState, every: .seconds(2),
            .plain(nil, icon: "mdi:power-plug")),
        Quantity(
            .inverter, "output_current", "Output current", "A", .number(decimals: 1), .inverterCurrent, threshold: 0.2,
            every: .seconds(20), .measured("current")),

        // System
        Quantity(
            .system, "solar_power", "Solar power", "W", .number(decimals: 0), .figure(\.solarPower), threshold: 2,
            relative: 0.01, every: .seconds(10), .measured("power")),
        Quantity(
            .system, "solar_output", "Solar output", "W", .number(decimals: 0), .figure(\.solarOutput), threshold: 5,
            relative: 0.02, every: .seconds(30), .measured("power").optional),
        Quantity(
            .system, "consumption", "Consumption", "W", .number(decimals: 0), .figure(\.consumption), threshold: 5,
            relative: 0.02, every: .seconds(20), .measured("power")),
        Quantity(
            .system, "solar_energy", "Solar energy of all chargers", "kWh", .number(decimals: 2), .energy(.solar),
            threshold: 0.01, every: .seconds(60), .counter),
        Quantity(
            .system, "chargers", "Chargers", "", .number(decimals: 0), .chargerCount, threshold: 1,
            every: .seconds(10), .measured(nil, icon: "mdi:solar-power-variant").hidden),
    ]

    /// Register 0201 in one or two words each.
    static let stateWords: [(code: Int64, word: String)] = [
        (0, "off"), (1, "low power"), (2, "fault"), (3, "bulk"), (4, "absorption"), (5, "float"), (6, "storage"),
        (7, "equalise"), (8, "pass-through"), (9, "inverting"), (10, "assisting"), (11, "power supply"),
        (244, "sustain"), (245, "starting"), (246, "repeated absorption"), (247, "auto equalise"),
        (248, "battery safe"), (249, "load detect"), (250, "blocked"), (252, "external control"),
    ]

    /// Register EDDA: the register table's words.
    static let errorWords = (RegisterCatalogue.standard[.chargerError]?.labels ?? []).map {
        (code: $0.value, word: $0.label)
    }

    /// Register EDB3.
    static let trackerWords: [(code: Int64, word: String)] = [(0, "off"), (1, "limited"), (2, "tracking")]
}
