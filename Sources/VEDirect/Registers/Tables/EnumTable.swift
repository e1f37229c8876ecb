// swift-format-ignore-file
// The words for numbers: a line of headings, then a value a line. Names that end in `_bits` are bits to be combined.
// A literal and not a resource, so that the library stays one file to link and nothing is looked for at run time.
let enumTable = #"""
enum	value	label
off_on	0	off
off_on	1	on
no_yes	0	no
no_yes	1	yes
open_closed	0	open
open_closed	1	closed
reply_flags_bits	1	unknown id
reply_flags_bits	2	not supported (write to read-only)
reply_flags_bits	4	parameter error / empty history slot
firmware_stage	0	bootloader
firmware_stage	1	application
firmware_stage	2	tester
firmware_stage	3	release candidate
device_state	0	off / not charging
device_state	1	low power (load search)
device_state	2	fault
device_state	3	bulk
device_state	4	absorption
device_state	5	float
device_state	6	storage
device_state	7	equalise (manual)
device_state	8	pass-through
device_state	9	inverting
device_state	10	assisting
device_state	11	power supply
device_state	244	sustain
device_state	245	starting up / wake-up
device_state	246	repeated absorption
device_state	247	auto equalise / recondition
device_state	248	battery safe
device_state	249	load detect
device_state	250	blocked (being updated)
device_state	252	external control
device_state	255	unavailable
device_mode	0	off (FW<=1.16)
device_mode	1	charger on
device_mode	2	inverter on
device_mode	3	device on
device_mode	4	off
device_mode	5	eco
device_mode	253	hibernate
charger_error	0	no error
charger_error	1	battery temperature too high
charger_error	2	battery voltage too high
charger_error	3	battery temperature sensor miswired (+)
charger_error	4	battery temperature sensor miswired (-)
charger_error	5	battery temperature sensor lost
charger_error	6	battery voltage sense miswired (+)
charger_error	7	battery voltage sense miswired (-)
charger_error	8	battery voltage sense lost
charger_error	9	battery wire losses too high
charger_error	10	battery voltage too low
charger_error	11	battery ripple voltage too high
charger_error	12	battery low state of charge
charger_error	13	battery mid-point voltage issue
charger_error	14	battery temperature too low
charger_error	15	battery relay fault
charger_error	16	no battery
charger_error	17	charger temperature too high
charger_error	18	charger over-current
charger_error	19	charger current reversed
charger_error	20	bulk time limit exceeded
charger_error	21	current sensor issue
charger_error	22	internal temperature sensor miswired
charger_error	23	internal temperature sensor lost
charger_error	24	fan not detected
charger_error	25	fan over-current
charger_error	26	terminals overheated
charger_error	27	charger short circuit
charger_error	28	converter / power stage issue
charger_error	29	over-charge protection
charger_error	31	input voltage out of range
charger_error	32	input voltage too low
charger_error	33	input voltage too high
charger_error	34	input over-current
charger_error	35	input over-power
charger_error	36	input polarity
charger_error	37	input voltage absent
charger_error	38	input shutdown (battery over-voltage, permanent)
charger_error	39	input shutdown (current while off, retry)
charger_error	40	internal failure (PV short protection)
charger_error	41	PV isolation resistance too low
charger_error	42	residual current too high
charger_error	43	ground relay fault
charger_error	47	GX: data partition issue
charger_error	48	GX: DVCC incompatible firmware
charger_error	50	inverter overload
charger_error	51	inverter temperature too high
charger_error	52	inverter peak current
charger_error	53	inverter dc level
charger_error	54	inverter ac level
charger_error	55	inverter dc on output
charger_error	56	inverter ac voltage wrong
charger_error	57	inverter ac on output
charger_error	58	inverter bridge fault
charger_error	59	AC-in 1 relay test fault
charger_error	60	AC-in 2 relay test fault
charger_error	65	lost communication with a device (warning)
charger_error	66	synchronised charging configuration issue (warning)
charger_error	67	BMS connection lost
charger_error	68	network misconfigured
charger_error	69	network misconfigured (settings)
charger_error	70	network misconfigured (device not capable)
charger_error	71	network misconfigured (protocol version)
charger_error	72	phase rotation
charger_error	73	multiple AC inputs
charger_error	74	phase overload
charger_error	75	network config not supported
charger_error	76	network incomplete
charger_error	77	settings sync disabled
charger_error	80	input shutdown (slow over-voltage, manual reset)
charger_error	81	input shutdown (fast over-voltage, manual reset)
charger_error	82	input shutdown (high over-voltage, manual reset)
charger_error	83	input shutdown (current when off, manual reset)
charger_error	84	input shutdown (slow over-voltage, power cycle)
charger_error	85	input shutdown (fast over-voltage, power cycle)
charger_error	86	input shutdown (high over-voltage, power cycle)
charger_error	87	input shutdown (current when off, power cycle)
charger_error	113	non-volatile write error
charger_error	114	CPU temperature too high
charger_error	115	communication lost
charger_error	116	calibration data lost
charger_error	117	incompatible firmware
charger_error	118	incompatible hardware
charger_error	119	settings data invalid
charger_error	120	reference voltage failure
charger_error	121	tester fail
charger_error	122	history data invalid
charger_error	123	kWh counters invalid
charger_error	150	battery temperature too high (warning)
charger_error	151	battery temperature too low (warning)
charger_error	160	charger temp too high warn
charger_error	161	charger short circuit warn
charger_error	162	charger converter issue warn
charger_error	180	precharge failed
charger_error	200	internal undervoltage hv
charger_error	201	internal dcdc failure
charger_error	202	internal gfci failure
charger_error	203	internal undervoltage 3v3
charger_error	205	internal undervoltage 5v
charger_error	212	internal undervoltage 12v
charger_error	215	internal undervoltage 15v
charger_error	220	solar relay fault
charger_error	221	solar short
charger_error	222	solar connect failed
charger_error	255	unknown
tracker_mode	0	off
tracker_mode	1	voltage or current limited
tracker_mode	2	MPP tracker active
tracker_mode	255	not available
off_reason_bits	1	no input power
off_reason_bits	2	physical power switch
off_reason_bits	4	soft power switch (device mode)
off_reason_bits	8	remote input
off_reason_bits	16	internal reason / protection
off_reason_bits	32	pay-as-you-go
off_reason_bits	64	BMS
off_reason_bits	128	engine shutdown detection
off_reason_bits	256	analysing input voltage
off_reason_bits	512	battery temperature too low
load_off_reason_bits	1	battery low
load_off_reason_bits	2	short circuit / over current
load_off_reason_bits	4	timer program
load_off_reason_bits	8	remote input
load_off_reason_bits	16	pay-as-you-go
load_off_reason_bits	128	starting up
load_output_state	0	off
load_output_state	1	on
load_output_state	2	scheduled to be activated
load_output_state	3	attempting to activate
load_output_control	0	off
load_output_control	1	auto (batterylife)
load_output_control	2	alternative 1
load_output_control	3	alternative 2
load_output_control	4	on
load_output_control	5	user 1
load_output_control	6	user 2
load_output_control	7	automatic energy selector
additional_state_bits	1	safe mode
additional_state_bits	2	automatic equalisation
additional_state_bits	16	temperature dimming
additional_state_bits	64	input current dimming
remote_control_bits	2	remote on/off enabled
battery_voltage_setting	0	auto detect
battery_voltage_setting	12	12 V
battery_voltage_setting	24	24 V
battery_voltage_setting	36	36 V
battery_voltage_setting	48	48 V
battery_type	1	GEL long life 14.1 V
battery_type	2	GEL deep discharge 14.3 V
battery_type	3	GEL deep discharge 14.4 V
battery_type	4	AGM deep discharge 14.7 V
battery_type	5	tubular plate 1 14.9 V
battery_type	6	tubular plate 2 15.1 V
battery_type	7	tubular plate 3 15.3 V
battery_type	8	LiFePO4 14.2 V
battery_type	255	user defined
mppt_relay_mode	0	always off
mppt_relay_mode	1	panel voltage high
mppt_relay_mode	2	internal temperature high
mppt_relay_mode	3	battery voltage low
mppt_relay_mode	4	equalisation active
mppt_relay_mode	5	error present
mppt_relay_mode	6	internal temperature low
mppt_relay_mode	7	battery voltage high
mppt_relay_mode	8	float or storage
mppt_relay_mode	9	day detection
mppt_relay_mode	10	load control
relay_mode	0	warnings / default
relay_mode	2	remote
relay_mode	3	disabled
relay_mode	4	normal
relay_mode	5	battery low
relay_mode	6	fan
tx_port_mode	0	VE.Direct
tx_port_mode	1	pulse per 0.01 kWh
tx_port_mode	2	lighting PWM
tx_port_mode	3	lighting PWM inverted
tx_port_mode	4	virtual load output
rx_port_mode	0	remote on/off
rx_port_mode	1	load output configuration
rx_port_mode	2	load on/off inverted
rx_port_mode	3	load on/off
solar_activity	0	dark
solar_activity	1	light
solar_activity	255	not available
link_command	1	start equalise
link_command	2	stop equalise
link_command	3	sync user interface
link_command	4	sync day event
network_mode_bits	1	networked
network_mode_bits	2	slave mode
network_mode_bits	4	external control
network_mode_bits	8	BMS controlled
network_mode_bits	16	group master (unused)
network_mode_bits	32	instance master
network_mode_bits	64	standby
network_info_bits	1	BMS
network_info_bits	2	external voltage control
network_info_bits	4	charge slave
network_info_bits	8	charge master
network_info_bits	16	using icharge
network_info_bits	32	using isense
network_info_bits	64	using tsense
network_info_bits	128	using vsense
network_info_bits	256	standby
network_info_bits	512	external current control
network_status	0	slave
network_status	1	group master
network_status	2	instance master
network_status	3	group and instance master
network_status	4	stand-alone
equalisation_pending	0	no
equalisation_pending	1	yes
equalisation_pending	2	error
equalisation_pending	3	unknown
remote_input_mode	0	remote on/off
remote_input_mode	1	2-wire BMS
two_wire_bms_bits	1	enabled
two_wire_bms_bits	2	allow to discharge
two_wire_bms_bits	4	allow to charge
capabilities_bits	0x00000001	load output
capabilities_bits	0x00000002	rotary encoder
capabilities_bits	0x00000004	history
capabilities_bits	0x00000008	batterysafe
capabilities_bits	0x00000010	adaptive
capabilities_bits	0x00000020	manual equalise
capabilities_bits	0x00000040	automatic equalise
capabilities_bits	0x00000080	storage mode
capabilities_bits	0x00000100	remote on/off via rx
capabilities_bits	0x00000200	solar timer
capabilities_bits	0x00000400	alt tx function
capabilities_bits	0x00000800	user load switch
capabilities_bits	0x00001000	load current
capabilities_bits	0x00002000	panel current
capabilities_bits	0x00004000	BMS support
capabilities_bits	0x00008000	external control
capabilities_bits	0x00010000	synchronised charging
capabilities_bits	0x00020000	alarm relay
capabilities_bits	0x00040000	alt rx function
capabilities_bits	0x00080000	virtual load output
capabilities_bits	0x00100000	virtual relay
capabilities_bits	0x00200000	plug-in display
capabilities_bits	0x00400000	low current mode
capabilities_bits	0x00800000	night mode
capabilities_bits	0x01000000	lumeter
capabilities_bits	0x02000000	load AES
capabilities_bits	0x04000000	battery test
capabilities_bits	0x08000000	PAYGO
capabilities_bits	0x10000000	hibernate
capabilities_bits	0x20000000	ac out apparent power
capabilities_bits	0x40000000	psu function
capabilities_bits	0x80000000	needs battery to shutdown
capabilities2_bits	1	has no TEXT
capabilities2_bits	2	has no async HEX
capabilities2_bits	4	has no HEX
capabilities2_bits	8	bus on/off
capabilities_ble_bits	1	ble mode supported
capabilities_ble_bits	2	ble off is permanent
capabilities_ble_bits	4	ble off recovery time
capabilities_ble_bits	8	recovery time zero is permanent
capabilities_ble_bits	16	service mode
capabilities_ble_bits	32	trends
ble_mode	0	disabled
ble_mode	1	enabled
alarm_reason_bits	1	low voltage
alarm_reason_bits	2	high voltage
alarm_reason_bits	4	low soc
alarm_reason_bits	8	low starter voltage
alarm_reason_bits	16	high starter voltage
alarm_reason_bits	32	low temperature
alarm_reason_bits	64	high temperature
alarm_reason_bits	128	mid voltage
alarm_reason_bits	256	overload
alarm_reason_bits	512	dc ripple
alarm_reason_bits	1024	low v ac out
alarm_reason_bits	2048	high v ac out
alarm_reason_bits	4096	short circuit
alarm_reason_bits	8192	bms lockout
alarm_reason_bits	16384	bms cable failure
alarm_status	0	active
alarm_status	1	inactive
dc_monitor_mode	-9	solar charger
dc_monitor_mode	-8	wind turbine
dc_monitor_mode	-7	shaft generator
dc_monitor_mode	-6	alternator
dc_monitor_mode	-5	fuel cell
dc_monitor_mode	-4	water generator
dc_monitor_mode	-3	dc/dc charger
dc_monitor_mode	-2	ac charger
dc_monitor_mode	-1	generic source
dc_monitor_mode	0	battery monitor
dc_monitor_mode	1	generic load
dc_monitor_mode	2	electric drive
dc_monitor_mode	3	fridge
dc_monitor_mode	4	water pump
dc_monitor_mode	5	bilge pump
dc_monitor_mode	6	dc system
dc_monitor_mode	7	inverter
dc_monitor_mode	8	water heater
bmv_aux_mode	0	starter voltage
bmv_aux_mode	1	mid-point voltage
bmv_aux_mode	2	temperature
bmv_aux_mode	3	disabled
history_error_db	0	charger errors
history_error_db	1	device errors
history_error_db	255	not available
ac_in_active	0	AC-in 1
ac_in_active	1	AC-in 2
ac_in_active	240	not connected
battery_chemistry	0	OPzS/OPzV
battery_chemistry	1	Gel/AGM
battery_chemistry	2	LiFePO4
battery_chemistry	255	user defined
"""#
