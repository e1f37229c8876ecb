// swift-format-ignore-file
// The register table: a line of headings, then a register a line, the columns separated by tabs.
// `not_available` and ids are hexadecimal; `observed` lists the sizes in bytes seen in real frames.
// A literal and not a resource, so that the library stays one file to link and nothing is looked for at run time.
let registerTable = #"""
id	name	kind	scale	unit	not_available	access	enum	products	source	observed	note
0004	restore_default	command	1			wo		mppt	document		any SET restores user settings to factory values; data ignored; keeps calibration and history
0090	ble_mode	un8	1			rw	ble_mode	smart*	header	1	bit0 BLE on; turning off may be permanent on some products (0x0150 bit1)
0100	product_id	un32	1			ro	products.tsv	all	document	4	4-byte reply: [instance=00][pid lo][pid hi][FF or FE flags]. Old MPPT FW 1.12..1.29 answers 2 bytes in WRONG endianness: use command :4 instead
0101	product_revision	struct	1			ro		bmv,inverter	header		un8 identifier + un16 hw revision; not listed for MPPT (unknown id)
0102	app_version	struct	1		FFFFFF	ro		bmv,inverter	header		version byte order differs between models; chargers refuse it: use commands 3 or 1
0104	group_id	un8	1			ro		all	document	1	since FW 1.17; with 0x2000 identifies chargers that may charge in sync
0105	device_instance	un8	1			rw		ve.can,some	header		
010A	serial_number	string32	1			ro		all	document	16,24	NUL padded; BMV pads to 32 bytes and may return two serials separated by a comma. trim trailing NUL, FF and spaces
010B	model_name	string64	1			ro		all	document	25,31,35,36	NUL padded
010C	description1	string64	1			rw		all(not all mppt)	header	1	the owner's name for the device; one NUL when never set
010D	description2	string64	1			rw		some	header		
010E	identify	un8	1			rw	off_on	some	header		
0110	udf_version	struct	1			ro		some	header		
0120	uptime	un32	1	s		ro		mppt FW3.x, ac chargers, bmv	header	4	sent asynchronously about once a second by FW 3.x MPPT and AC chargers
0140	capabilities	un32	1			ro	capabilities_bits	all	document	4	bit field; since FW 1.16
0141	capabilities2	un32	1			ro		some	header		
0142	capabilities3	un32	1			ro		some	header		
0143	capabilities4	un32	1			ro		some	header		
0144	capabilities5	un32	1			ro		some	header		
0150	capabilities_ble	un32	1			ro	capabilities_ble_bits	smart*	header	4	
0200	device_mode	un8	1			rw	device_mode	all	document	1	MPPT: 0/4=off 1=on. Needs 0x0202 bit1 on FW<1.42. DANGEROUS to write from a monitor
0201	device_state	un8	1		FF	ro	device_state	all	document	1	NOT 0x0200; sent async; FW>=1.42 reports 247 for auto equalise
0202	remote_control_used	un32	1			rw	remote_control_bits	all	document	4	bits can only be set; cleared at restart
0203	ac_in_current_limit	un16	0.1	A	FFFF	rw		inverter, multi	header		
0204	ac_in_active	un8	1			rw		inverter, multi	header		
0205	device_off_reason	un8	1			ro	off_reason_bits	smartsolar FW1.29..1.43	document		
0206	device_function	un8	1			rw		inverter, multi	header		
0207	device_off_reason_2	un32	1			ro	off_reason_bits	smartsolar FW>=1.44, inverter, charger	document	4	
0209	inverter_state	un8	1			ro	device_state	multi rs	header		
020A	charge_state	un8	1			ro	device_state	multi rs	header		
020B	ac_in_limit_is_adjustable	bitfield	1			rw		inverter, multi	header		fields bits[2]+bits[2]+bits[2]+bits[2]
0210	ac_in_1_current_limit	un16	0.1	A	FFFF	rw		inverter, multi	header		
0211	ac_in_1_current_limit_min	un16	0.1	A	FFFF	rw		inverter, multi	header		
0212	ac_in_1_current_limit_max	un16	0.1	A	FFFF	rw		inverter, multi	header		
0213	ac_in_1_current_limit_internal	un16	0.1	A	FFFF	rw		inverter, multi	header		
0214	ac_in_1_current_limit_remote	un16	0.1	A	FFFF	rw		inverter, multi	header		
0215	ac_in_1_type	un8	1			rw		inverter, multi	header		
0220	ac_in_2_current_limit	un16	0.1	A	FFFF	rw		inverter, multi	header		
0221	ac_in_2_current_limit_min	un16	0.1	A	FFFF	rw		inverter, multi	header		
0222	ac_in_2_current_limit_max	un16	0.1	A	FFFF	rw		inverter, multi	header		
0223	ac_in_2_current_limit_internal	un16	0.1	A	FFFF	rw		inverter, multi	header		
0224	ac_in_2_current_limit_remote	un16	0.1	A	FFFF	rw		inverter, multi	header		
0225	ac_in_2_type	un8	1			rw		inverter, multi	header		
0230	ac_out_voltage_setpoint	un16	0.01	V		rw		inverter, multi	header		
0231	ac_out_voltage_setpoint_min	un16	0.01	V		rw		inverter, multi	header		
0232	ac_out_voltage_setpoint_max	un16	0.01	V		rw		inverter, multi	header		
0233	ac_active_input_l1_voltage	sn16	0.01	V	7FFF	rw		inverter, multi	header		
0234	ac_active_input_l1_current	sn16	0.01	A	7FFF	rw		inverter, multi	header		
0235	ac_active_input_l1_apparent_power	sn32	1	VA	7FFFFFFF	rw		inverter, multi	header		
0236	ac_active_input_l1_power	sn32	1	W	7FFFFFFF	rw		inverter, multi	header		
0237	ac_active_input_l1_frequency	un16	0.01	Hz	FFFF	rw		inverter, multi	header		
0238	ac_active_input_l2_voltage	sn16	0.01	V	7FFF	rw		inverter, multi	header		
0239	ac_active_input_l2_current	sn16	0.01	A	7FFF	rw		inverter, multi	header		
023A	ac_active_input_l2_apparent_power	sn32	1	VA	7FFFFFFF	rw		inverter, multi	header		
023B	ac_active_input_l2_power	sn32	1	W	7FFFFFFF	rw		inverter, multi	header		
023C	ac_active_input_l2_frequency	un16	0.01	Hz	FFFF	rw		inverter, multi	header		
023D	ac_active_input_l3_voltage	sn16	0.01	V	7FFF	rw		inverter, multi	header		
023E	ac_active_input_l3_current	sn16	0.01	A	7FFF	rw		inverter, multi	header		
023F	ac_active_input_l3_apparent_power	sn32	1	VA	7FFFFFFF	rw		inverter, multi	header		
0240	ac_active_input_l3_power	sn32	1	W	7FFFFFFF	rw		inverter, multi	header		
0241	ac_active_input_l3_frequency	un16	0.01	Hz	FFFF	rw		inverter, multi	header		
0242	number_of_phases	un8	1			rw		inverter, multi	header		
0243	number_of_ac_inputs	un8	1			rw		inverter, multi	header		
0244	number_of_trackers	un8	1			ro		mppt rs	document		
0245	pv_inverter_available	un8	1			rw		inverter, multi	header		
0300	hist_deepest_discharge	sn32	0.1	Ah		ro		bmv, shunt, inverter alarms	header	4	
0301	hist_last_discharge	sn32	0.1	Ah		ro		bmv, shunt, inverter alarms	header	4	
0302	hist_average_discharge	sn32	0.1	Ah		ro		bmv, shunt, inverter alarms	header	4	
0303	hist_nr_of_charge_cycles	sn32	1			ro		bmv, shunt, inverter alarms	header	4	
0304	hist_nr_of_full_discharges	sn32	1			ro		bmv, shunt, inverter alarms	header	4	
0305	hist_cumulative_ah	sn32	0.1	Ah		ro		bmv, shunt, inverter alarms	header	4	
0306	hist_min_voltage	sn32	0.01	V		ro		bmv, shunt, inverter alarms	header	4	
0307	hist_max_voltage	sn32	0.01	V		ro		bmv, shunt, inverter alarms	header	4	
0308	hist_secs_since_last_full_charge	sn32	1	s		ro		bmv, shunt, inverter alarms	header	4	
0309	hist_nr_of_auto_syncs	sn32	1			ro		bmv, shunt, inverter alarms	header	4	
030A	hist_nr_of_low_voltage_alarms	sn32	1			ro		bmv, shunt, inverter alarms	header	4	
030B	hist_nr_of_high_voltage_alarms	sn32	1			ro		bmv, shunt, inverter alarms	header	4	
030C	hist_nr_of_low_voltage_2_alarms	sn32	1			ro		bmv, shunt, inverter alarms	header		
030D	hist_nr_of_high_voltage_2_alarms	sn32	1			ro		bmv, shunt, inverter alarms	header		
030E	hist_min_voltage_2	sn32	0.01	V		ro		bmv, shunt, inverter alarms	header	4	
030F	hist_max_voltage_2	sn32	0.01	V		ro		bmv, shunt, inverter alarms	header	4	
0310	hist_kwh_out	un32	0.01	kWh		ro		bmv, shunt, inverter alarms	header	4	
0311	hist_kwh_in	un32	0.01	kWh		ro		bmv, shunt, inverter alarms	header	4	
0312	hist_max_temperature	un16	0.01	K		ro		bmv, shunt, inverter alarms	header		
0313	hist_min_temperature	un16	0.01	K		ro		bmv, shunt, inverter alarms	header		
031C	warning_reason	bitfield	1			ro		bmv, shunt, inverter alarms	header		fields bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+
031D	alarm_status	un8	1			ro		bmv, shunt, inverter alarms	header		
031E	alarm_reason	bitfield	1			ro		bmv, shunt, inverter alarms	header		fields bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+
031F	alarm_ack	command	1			rw		bmv, shunt, inverter alarms	header		
0320	alarm_low_voltage_set	un16	0.01	V		rw		bmv, shunt, inverter alarms	header	2	BMV-70x: 0.1 V
0321	alarm_low_voltage_clear	un16	0.01	V		rw		bmv, shunt, inverter alarms	header	2	BMV-70x: 0.1 V
0322	alarm_high_voltage_set	un16	0.01	V		rw		bmv, shunt, inverter alarms	header	2	BMV-70x: 0.1 V
0323	alarm_high_voltage_clear	un16	0.01	V		rw		bmv, shunt, inverter alarms	header	2	BMV-70x: 0.1 V
0324	alarm_low_voltage_2_set	un16	0.01	V		rw		bmv, shunt, inverter alarms	header	2	BMV-70x: 0.1 V
0325	alarm_low_voltage_2_clear	un16	0.01	V		rw		bmv, shunt, inverter alarms	header	2	BMV-70x: 0.1 V
0326	alarm_high_voltage_2_set	un16	0.01	V		rw		bmv, shunt, inverter alarms	header	2	BMV-70x: 0.1 V
0327	alarm_high_voltage_2_clear	un16	0.01	V		rw		bmv, shunt, inverter alarms	header	2	BMV-70x: 0.1 V
0328	alarm_low_soc_set	un16	0.1	%		rw		bmv, shunt, inverter alarms	header	2	
0329	alarm_low_soc_clear	un16	0.1	%		rw		bmv, shunt, inverter alarms	header		
032A	alarm_low_bat_temp_set	un16	0.01	K		rw		bmv, shunt, inverter alarms	header	2	
032B	alarm_low_bat_temp_clear	un16	0.01	K		rw		bmv, shunt, inverter alarms	header	2	
032C	alarm_high_bat_temp_set	un16	0.01	K		rw		bmv, shunt, inverter alarms	header	2	
032D	alarm_high_bat_temp_clear	un16	0.01	K		rw		bmv, shunt, inverter alarms	header	2	
032E	alarm_high_int_temp_set	un16	0.01	K		rw		bmv, shunt, inverter alarms	header		
032F	alarm_high_int_temp_clear	un16	0.01	K		rw		bmv, shunt, inverter alarms	header		
0330	alarm_fuse_blown	un8	1			rw		bmv, shunt, inverter alarms	header		
0331	alarm_mid_voltage_set	un16	0.1	%		rw		bmv, shunt, inverter alarms	header	2	BMV-70x: 0.1 V
0332	alarm_mid_voltage_clear	un16	0.1	%		rw		bmv, shunt, inverter alarms	header	2	
0333	alarm_and_warning_configuration	bitfield	1			rw		bmv, shunt, inverter alarms	header		fields bits[2]+bits[2]+bits[2]+bits[2]+bits[2]+bits[2]+bits[2]+bits[2]+bits[2]+bits[2]+
034D	relay_invert	un8	1			rw	no_yes	bmv	document	1	
034E	relay_control	un8	1			rw	off_on	bmv, inverter, some mppt	document	1	
034F	relay_mode	un8	1			rw	relay_mode	bmv, inverter	document	1	
0350	relay_low_voltage_set	un16	0.01	V		rw		mppt with relay, bmv	document	2	BMV-70x and old VE.Can MPPT use 0.1 V; MPPT: set 0xEDEF first
0351	relay_low_voltage_clear	un16	0.01	V		rw		mppt with relay, bmv	document	2	BMV-70x and old VE.Can MPPT use 0.1 V; MPPT: set 0xEDEF first
0352	relay_high_voltage_set	un16	0.01	V		rw		mppt with relay, bmv	document	2	BMV-70x and old VE.Can MPPT use 0.1 V; MPPT: set 0xEDEF first
0353	relay_high_voltage_clear	un16	0.01	V		rw		mppt with relay, bmv	document	2	BMV-70x and old VE.Can MPPT use 0.1 V; MPPT: set 0xEDEF first
0354	relay_low_voltage_2_set	un16	0.01	V		rw		bmv, shunt	header	2	BMV-70x: 0.1 V
0355	relay_low_voltage_2_clear	un16	0.01	V		rw		bmv, shunt	header	2	BMV-70x: 0.1 V
0356	relay_high_voltage_2_set	un16	0.01	V		rw		bmv, shunt	header	2	BMV-70x: 0.1 V
0357	relay_high_voltage_2_clear	un16	0.01	V		rw		bmv, shunt	header	2	BMV-70x: 0.1 V
0358	relay_low_soc_set	un16	0.1	%		rw		bmv, shunt	header		
0359	relay_low_soc_clear	un16	0.1	%		rw		bmv, shunt	header		
035A	relay_low_bat_temp_set	un16	0.01	K		rw		bmv, shunt	header	2	
035B	relay_low_bat_temp_clear	un16	0.01	K		rw		bmv, shunt	header	2	
035C	relay_high_bat_temp_set	un16	0.01	K		rw		bmv, shunt	header	2	
035D	relay_high_bat_temp_clear	un16	0.01	K		rw		bmv, shunt	header	2	
035E	relay_high_int_temp_set	un16	0.01	K		rw		bmv, shunt	header		
035F	relay_high_int_temp_clear	un16	0.01	K		rw		bmv, shunt	header		
0360	relay_fuse_blown	un8	1			rw		bmv, shunt	header		
0361	relay_mid_voltage_set	un16	0.1	%		rw		bmv, shunt	header	2	
0362	relay_mid_voltage_clear	un16	0.1	%		rw		bmv, shunt	header	2	
0370	lynx_ion_flags	bitfield	1			rw		bmv, shunt	header		fields bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+bits[1]+ deprecated
0371	lynx_ion_bms_state	un8	1			rw		bmv, shunt	header		
0372	lynx_ion_bms_error_flags	un32	1			rw		bmv, shunt	header		deprecated
0373	lynx_ion_bms_synchronize	un8	1			rw		bmv, shunt	header		
0374	lynx_ion_bms_synchronize_group_number	un8	1			rw		bmv, shunt	header		
0375	lynx_ion_bms_startup_on_charge_detect	un8	1			rw		bmv, shunt	header		
0376	lynx_ion_bms_battery_strategy	un8	1			rw		bmv, shunt	header		
0377	lynx_ion_bms_combined	un8	1			rw		bmv, shunt	header		
0378	lynx_ion_bms_combined_state	un8	1			rw		bmv, shunt	header		
0379	lynx_ion_bms_restart_request	command	1			rw		bmv, shunt	header		
037A	lynx_ion_bms_voltage	un32	0.01	V		rw		bmv, shunt	header		
0380	battery_configuration	struct	1			rw		bmv, shunt	header		fields un8+un8+un8+un8
0381	battery_cell_voltage	struct	1			rw		bmv, shunt	header		fields un8+un8+un16
0382	battery_mid_point_voltage	un16	0.01	V	FFFF	ro		bmv, shunt	header	2	
0383	battery_mid_point_deviation	sn16	0.1	%	7FFF	ro		bmv, shunt	header	2	
0384	hist_battery_cell_voltage_min_max	struct	1			rw		bmv, shunt	header		fields un16+un16
0385	battery_min_max_cell_voltage	struct	1			ro		bmv, shunt	header		fields un16+un16
0386	battery_min_max_cell_temperature	struct	1			rw		bmv, shunt	header		fields un16+un16
0387	battery_parallel	un8	1			rw		bmv, shunt	header		
0388	battery_series	un8	1			rw		bmv, shunt	header		
0390	battery_limit_charge_voltage	un32	0.01	V		rw		bmv, shunt	header		
0391	battery_limit_charge_current	un32	0.1	A		rw		bmv, shunt	header		
0392	battery_limit_discharge_voltage	un32	0.01	V		rw		bmv, shunt	header		
0393	battery_limit_discharge_current	un32	0.1	A		rw		bmv, shunt	header		
0394	battery_allowed_to_charge_min_temp	un16	0.01	K		rw		bmv, shunt	header		
0400	display_backlight_mode	un8	1			rw		models with display	document	1	
0401	display_backlight_intensity	un8	1			rw		models with display	document		
0402	display_scroll_speed	un8	1			rw		models with display	document		
0403	display_setup_lock	un8	1			rw		models with display	document		
0404	display_temperature_unit	un8	1			rw		models with display	document		
0406	display_contrast	un8	1			rw		models with display	document		
0408	display_backlight_mode_internal	un8	1			rw		models with display	document		
0FFC	consumed_ah	sn32	0.1	Ah		ro		bmv, shunt	header		
0FFD	start_synchronized	un8	1			rw		bmv, shunt	header		
0FFE	ttg	un16	1	min	FFFF	ro		bmv, shunt	header	2	
0FFF	soc	un16	0.01	%	FFFF	ro		bmv, shunt	header	2	
1000	battery_capacity	un16	1	Ah		rw		bmv, shunt	header	2	
1001	charged_voltage	un16	0.1	V		rw		bmv, shunt	header	2	
1002	charged_current	un16	0.1	%		rw		bmv, shunt	header	2	
1003	charge_detection_time	un16	1	min		rw		bmv, shunt	header	2	
1004	charge_efficiency	un16	1	%		rw		bmv, shunt	header	2	
1005	peukert_coefficient	un16	0.01			rw		bmv, shunt	header	2	
1006	current_threshold	un16	0.01	A		rw		bmv, shunt	header	2	
1007	ttg_delta_t	un16	1	min		rw		bmv, shunt	header	2	
1008	low_soc	un16	0.1	%		rw		bmv, shunt	header		
1009	low_soc_clear	un16	0.1	%		rw		bmv, shunt	header	2	
100A	relay_minimum_enabled_time	un16	1	min	FFFF	rw		mppt with relay, bmv	document	2	
100B	relay_disable_delay	un16	1	min	FFFF	rw		bmv, shunt	header	2	
100C	soc_bulk_finish	un16	0.1	%		rw		bmv, shunt	header		
1029	zero_current	command	1			rw		bmv, shunt	header		
102C	synchronize	command	1			rw		bmv, shunt	header		
1030	clear_history	command	1			wo		mppt	document		erases the 30 day log
1031	transmit_history	command	1			rw		bmv, shunt	header		
1034	current_offset	sn16	1			rw		bmv, shunt	header		
1040	history_time	un32	1			ro		inverter	header		
1041	history_energy	un32	1			ro		inverter	header		
1042	history_cumulative_service	struct	1			ro		inverter	header	25	fields un8+un32+un32+un32+un32+un32+un32
1043	history_cumulative_user	struct	1			ro		inverter	header	25	fields un8+un32+un32+un32+un32+un32+un32
104F	history_total	blob34	1			ro		mppt	document	34	34 bytes; 19 bytes on firmware 1.16
1050	history_day_00	blob34	1			ro		mppt	document	34	0=today; empty slot answers flags 04 without payload
1051	history_day_01	blob34	1			ro		mppt	document	34	0=today; empty slot answers flags 04 without payload
1052	history_day_02	blob34	1			ro		mppt	document	34	
1053	history_day_03	blob34	1			ro		mppt	document	34	
1054	history_day_04	blob34	1			ro		mppt	document	34	
1055	history_day_05	blob34	1			ro		mppt	document	34	
1056	history_day_06	blob34	1			ro		mppt	document	34	
1057	history_day_07	blob34	1			ro		mppt	document	34	
1058	history_day_08	blob34	1			ro		mppt	document	34	
1059	history_day_09	blob34	1			ro		mppt	document	34	
105A	history_day_10	blob34	1			ro		mppt	document		
105B	history_day_11	blob34	1			ro		mppt	document		
105C	history_day_12	blob34	1			ro		mppt	document		
105D	history_day_13	blob34	1			ro		mppt	document		
105E	history_day_14	blob34	1			ro		mppt	document		
105F	history_day_15	blob34	1			ro		mppt	document		
1060	history_day_16	blob34	1			ro		mppt	document		
1061	history_day_17	blob34	1			ro		mppt	document		
1062	history_day_18	blob34	1			ro		mppt	document		
1063	history_day_19	blob34	1			ro		mppt	document		
1064	history_day_20	blob34	1			ro		mppt	document		
1065	history_day_21	blob34	1			ro		mppt	document		
1066	history_day_22	blob34	1			ro		mppt	document		
1067	history_day_23	blob34	1			ro		mppt	document		
1068	history_day_24	blob34	1			ro		mppt	document		
1069	history_day_25	blob34	1			ro		mppt	document		
106A	history_day_26	blob34	1			ro		mppt	document		
106B	history_day_27	blob34	1			ro		mppt	document		
106C	history_day_28	blob34	1			ro		mppt	document		
106D	history_day_29	blob34	1			ro		mppt	document		
106E	history_day_30	blob34	1			ro		mppt	document		
1070	history_cycle00	struct	1			ro		chargers (history)	header	52	fields un8+un32+un32+un32+un32+un32+un32+un32+un32+un32+un32+un32+un16+un16+un8+bits[4]
1071	history_cycle01	struct	1			ro		chargers (history)	header		fields un8+un32+un32+un32+un32+un32+un32+un32+un32+un32+un32+un32+un16+un16+un8+bits[4]
10A0	history_tracker_day_00	blob36	1			ro		mppt rs	document		document text says 0x10A0..0x10BD, table says ..0x10BE; 27 bytes + 9 reserved
10A1	history_tracker_day_01	blob36	1			ro		mppt rs	document		
10A2	history_tracker_day_02	blob36	1			ro		mppt rs	document		
10A3	history_tracker_day_03	blob36	1			ro		mppt rs	document		
10A4	history_tracker_day_04	blob36	1			ro		mppt rs	document		
10A5	history_tracker_day_05	blob36	1			ro		mppt rs	document		
10A6	history_tracker_day_06	blob36	1			ro		mppt rs	document		
10A7	history_tracker_day_07	blob36	1			ro		mppt rs	document		
10A8	history_tracker_day_08	blob36	1			ro		mppt rs	document		
10A9	history_tracker_day_09	blob36	1			ro		mppt rs	document		
10AA	history_tracker_day_10	blob36	1			ro		mppt rs	document		
10AB	history_tracker_day_11	blob36	1			ro		mppt rs	document		
10AC	history_tracker_day_12	blob36	1			ro		mppt rs	document		
10AD	history_tracker_day_13	blob36	1			ro		mppt rs	document		
10AE	history_tracker_day_14	blob36	1			ro		mppt rs	document		
10AF	history_tracker_day_15	blob36	1			ro		mppt rs	document		
10B0	history_tracker_day_16	blob36	1			ro		mppt rs	document		
10B1	history_tracker_day_17	blob36	1			ro		mppt rs	document		
10B2	history_tracker_day_18	blob36	1			ro		mppt rs	document		
10B3	history_tracker_day_19	blob36	1			ro		mppt rs	document		
10B4	history_tracker_day_20	blob36	1			ro		mppt rs	document		
10B5	history_tracker_day_21	blob36	1			ro		mppt rs	document		
10B6	history_tracker_day_22	blob36	1			ro		mppt rs	document		
10B7	history_tracker_day_23	blob36	1			ro		mppt rs	document		
10B8	history_tracker_day_24	blob36	1			ro		mppt rs	document		
10B9	history_tracker_day_25	blob36	1			ro		mppt rs	document		
10BA	history_tracker_day_26	blob36	1			ro		mppt rs	document		
10BB	history_tracker_day_27	blob36	1			ro		mppt rs	document		
10BC	history_tracker_day_28	blob36	1			ro		mppt rs	document		
10BD	history_tracker_day_29	blob36	1			ro		mppt rs	document		
10BE	history_tracker_day_30	blob36	1			ro		mppt rs	document		
2000	link_charge_algorithm_version	un8	1			ro		mppt FW>=1.29/1.44	document		network; only models with synchronised charging
2001	link_charge_voltage_setpoint	un16	0.01	V	FFFF	rw		mppt FW>=1.29/1.44	document	2	network; 60 s life when written; master->slaves or external control
2002	link_battery_voltage_sense	un16	0.01	V	FFFF	rw		mppt FW>=1.29/1.44	document	2	network; 60 s life when written; sent async as FFFF at timeout; must be within 5 V of terminal voltage
2003	link_battery_temperature_sense	sn16	0.01	degC	7FFF	rw		mppt FW>=1.29/1.44	document	2	network; 60 s life when written; sent async as 7FFF at timeout
2004	link_command	un8	1			wo	link_command	mppt FW>=1.29/1.44	document		network; 60 s life when written
2005	link_switch_bank_status	un32	1			rw		mppt FW>=1.29/1.44	header		network; 60 s life when written
2006	link_switch_bank_mask	un32	1			rw		mppt FW>=1.29/1.44	header		network; 60 s life when written
2007	link_charge_state_elapsed_time	un32	1	ms	FFFFFFFF	rw		mppt FW>=1.29/1.44	document	4	network; 60 s life when written
2008	link_absorption_time	un16	0.01	h	FFFF	rw		mppt FW>=1.29/1.44	document	2	network; 60 s life when written
2009	link_error_code	un8	1			rw	charger_error	mppt FW>=1.29/1.44	document	1	network; 60 s life when written; a network master injects an error here; reading it is NOT the charger error (0xEDDA)
200A	link_battery_current	sn32	0.001	A	7FFFFFFF	rw		mppt FW>=1.29/1.44	document	4	network; 60 s life when written
200B	link_battery_idle_voltage	un16	0.01	V	FFFF	rw		mppt FW>=1.29/1.44	document		network; 60 s life when written
200C	link_device_state	un8	1		FF	rw	device_state	mppt FW>=1.29/1.44	document	1	network; 60 s life when written; master state for slaves; NOT the device state (0x0201)
200D	link_network_info	un16	1			ro	network_info_bits	mppt FW>=1.29/1.44	document	2	network; un8 by the document, two bytes observed
200E	link_network_mode	un8	1			rw	network_mode_bits	mppt FW>=1.29/1.44	document	1	network; 60 s life when written; bit3 BMS stores bms_present in flash: charger then refuses to run alone (error 67)
200F	link_network_status	un8	1			ro	network_status	mppt FW>=1.29/1.44	document		network
2010	link_ac_input_max_current	un16	0.1	A	FFFF	rw		mppt FW>=1.29/1.44	header		network; 60 s life when written
2011	link_ac_input_current_limit	un16	0.1	A	FFFF	rw		mppt FW>=1.29/1.44	header		network; 60 s life when written
2012	link_ac_input_current	un16	0.1	A	FFFF	rw		mppt FW>=1.29/1.44	header		network; 60 s life when written
2013	link_total_charge_current	sn32	0.001	A	7FFFFFFF	rw		mppt FW>=1.29/1.44	document	4	network; 60 s life when written
2014	link_charge_current_percentage	un8	1	%	FF	rw		mppt FW>=1.29/1.44	document		network; 60 s life when written; deprecated (FW 1.17 only)
2015	link_charge_current_limit	un16	0.1	A	FFFF	rw		mppt FW>=1.29/1.44	document		network; 60 s life when written; RAM, falls back to 0xEDF0 after about 50..60 s
2016	link_charge_voltage_setpoint_old	un16	0.01	V	FFFF	rw		mppt FW>=1.29/1.44	header		network; 60 s life when written; use 0x2001
2017	link_discharge_current_limit	un16	0.1	A	FFFF	rw		mppt FW>=1.29/1.44	header		network; 60 s life when written
2018	link_equalisation_pending	un8	1			ro	equalisation_pending	mppt FW>=1.29/1.44	document		network
2019	link_equalisation_time_remaining	un16	1	min	FFFF	ro		mppt FW>=1.29/1.44	header		network
201A	link_disable_network_data	un8	1			rw		mppt FW>=1.29/1.44	header		network; 60 s life when written
201B	link_discharge_voltage_limit	un16	0.01	V	FFFF	rw		mppt FW>=1.29/1.44	header		network; 60 s life when written
201C	link_extra_battery_current	sn32	0.001	A	7FFFFFFF	rw		mppt FW>=1.29/1.44	header		network; 60 s life when written
2020	link_system_yield	un32	0.01	kWh	FFFFFFFF	ro		mppt FW>=1.29/1.44	header		network
2021	link_user_yield	un32	0.01	kWh	FFFFFFFF	ro		mppt FW>=1.29/1.44	header		network
2022	link_yield_today	un32	0.01	kWh	FFFFFFFF	ro		mppt FW>=1.29/1.44	header		network
2023	link_max_power_today	un16	1	W	FFFF	ro		mppt FW>=1.29/1.44	header		network
2024	link_yield_yesterday	un32	0.01	kWh	FFFFFFFF	ro		mppt FW>=1.29/1.44	header		network
2025	link_max_power_yesterday	un16	1	W	FFFF	ro		mppt FW>=1.29/1.44	header		network
2026	link_actual_power	un32	0.01	W	FFFFFFFF	ro		mppt FW>=1.29/1.44	header		network
2027	link_total_dc_input_power	un32	0.01	W	FFFFFFFF	rw		mppt FW>=1.29/1.44	document	4	network; 60 s life when written; network-wide sum; FFFFFFFF when not networked
2030	solar_activity	un8	1		FF	ro	solar_activity	mppt	document	1	
2031	time_of_day	un16	1	min	FFFF	rw		mppt	document		minutes since midnight
2042	link_absorption_end_time	un16	0.01	h	FFFF	ro		ac chargers, mppt link	header	2	
2200	ac_out_voltage	sn16	0.01	V		ro		inverter, multi	header		
2201	ac_out_current	sn16	0.1	A		ro		inverter, multi	header		
2202	ac_out_nom_voltage	un8	1	V		ro		inverter, multi	header		
2203	ac_out_rated_power	sn16	1	W		ro		inverter, multi	header		
2204	ac_out_real_power	sn32	1	W		ro		inverter, multi	header	4	
2205	ac_out_apparent_power	sn32	1	VA		ro		inverter, multi	header	4	
2206	ac_load_sense_power_threshold	un16	1	W		ro		inverter, multi	header		
2207	ac_load_sense_power_clear	un16	1	W		ro		inverter, multi	header		
2208	ac_output_frequency	un16	0.01	Hz		ro		inverter, multi	header		
2209	ac_pe_n_voltage	sn16	0.01	V		ro		inverter, multi	header	2	
2210	shutdown_low_voltage_set	un16	0.01	V		ro		inverter, multi	header		
2211	adjustable_voltage_min	un16	0.01	V		ro		mppt FW>=1.30, inverter	document		
2212	adjustable_voltage_max	un16	0.01	V		ro		mppt FW>=1.30, inverter	document		
2213	ac_output_l1_voltage	sn16	0.01	V		ro		inverter, multi	header		
2214	ac_output_l1_current	sn16	0.01	A		ro		inverter, multi	header		
2215	ac_output_l1_power	sn32	1	W		ro		inverter, multi	header		
2216	ac_output_l1_apparent_power	sn32	1	VA		ro		inverter, multi	header		
2217	ac_output_l1_frequency	un16	0.01	Hz		ro		inverter, multi	header		
2218	ac_output_l2_voltage	sn16	0.01	V		ro		inverter, multi	header		
2219	ac_output_l2_current	sn16	0.01	A		ro		inverter, multi	header		
221A	ac_output_l2_power	sn32	1	W		ro		inverter, multi	header		
221B	ac_output_l2_apparent_power	sn32	1	VA		ro		inverter, multi	header		
221C	ac_output_l2_frequency	un16	0.01	Hz		ro		inverter, multi	header		
221D	ac_output_l3_voltage	sn16	0.01	V		ro		inverter, multi	header		
221E	ac_output_l3_current	sn16	0.01	A		ro		inverter, multi	header		
221F	ac_output_l3_power	sn32	1	W		ro		inverter, multi	header		
2220	ac_output_l3_apparent_power	sn32	1	VA		ro		inverter, multi	header		
2221	ac_output_l3_frequency	un16	0.01	Hz		ro		inverter, multi	header		
2222	input_voltage_range_min	un16	0.01	V		ro		inverter, multi	header		
2223	input_voltage_range_max	un16	0.01	V		ro		inverter, multi	header		
2230	ac_in_1_voltage	sn16	0.01	V		ro		inverter, multi	header		
2231	ac_in_1_current	sn16	0.1	A		ro		inverter, multi	header		
2234	ac_in_1_real_power	sn32	1	W		ro		inverter, multi	header		
2235	ac_in_1_apparent_power	sn32	1	VA		ro		inverter, multi	header		
2238	ac_in_1_frequency	un16	0.01	Hz		ro		inverter, multi	header		
D01F	two_wire_bms_input_state	un8	1			ro	two_wire_bms_bits	mppt rs	document		
D0C0	remote_input_mode	un8	1			rw	remote_input_mode	mppt rs	document		non-volatile
EB03	inv_wave_set50hz_not60hz	un8	1		FF	rw		phoenix inverter	header		
EB04	inv_oper_eco_mode_iinv_min	un16	1			rw		phoenix inverter	header		
EB06	inv_oper_eco_mode_retry_time	un8	0.25	s		rw		phoenix inverter	header		
EB10	inv_oper_eco_load_detect_periods	un8	1			rw		phoenix inverter	header		
EB3D	inv_adc_temp_transf_d_c	sn16	0.1	degC	7FFF	rw		phoenix inverter	header		
EB3E	inv_adc_temp_fet_d_c	sn16	0.1	degC	7FFF	rw		phoenix inverter	header		
EB3F	inv_adc_temp_micro_d_c	sn16	0.1	degC	7FFF	rw		phoenix inverter	header		
EB4E	inv_loop_get_iinv	sn16	1			rw		phoenix inverter	header		
EBB1	inv_prot_ubat_dyn_cutoff_voltage	un16	0.001	V	FFFF	rw		phoenix inverter	header		
EBB2	inv_prot_ubat_dyn_cutoff_factor5	un16	0.001	V	FFFF	rw		phoenix inverter	header		
EBB3	inv_prot_ubat_dyn_cutoff_factor250	un16	0.001	V	FFFF	rw		phoenix inverter	header		
EBB5	inv_prot_ubat_dyn_cutoff_factor2000	un16	0.001	V	FFFF	rw		phoenix inverter	header		
EBB7	inv_prot_ubat_dyn_cutoff_factor	un16	0.001	A/C		rw		phoenix inverter	header		
EBBA	inv_prot_ubat_dyn_cutoff_enable	un8	1			rw		phoenix inverter	header		
EC15	ble_network_number_transmitted_ve_regs	un8	1			ro		ac chargers, smart	header	1	
EC16	ble_network_number_received_ve_regs	un8	1			ro		ac chargers, smart	header		
EC17	ble_network_transmit_list_1	struct	1			ro		ac chargers, smart	header		fields un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8
EC18	ble_network_transmit_list_2	struct	1			ro		ac chargers, smart	header		fields un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8
EC19	ble_network_transmit_list_3	struct	1			ro		ac chargers, smart	header		fields un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8+un16+un8
EC20	ble_network_receive_list_1	struct	1			ro		ac chargers, smart	header	32	fields un16+un8+un8+un32+un16+un8+un8+un32+un16+un8+un8+un32+un16+un8+un8+un32
EC30	ble_network_number_in_range_devices	un8	1			ro		smart products	header	1	
EC31	ble_network_in_range_devices_list_1	struct	1			ro		smart products	header	33	fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC32	ble_network_in_range_devices_list_2	struct	1			ro		smart products	header	33	fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC33	ble_network_in_range_devices_list_3	struct	1			ro		smart products	header	33	fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC34	ble_network_in_range_devices_list_4	struct	1			ro		smart products	header		fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC35	ble_network_in_range_devices_list_5	struct	1			ro		smart products	header		fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC36	ble_network_in_range_devices_list_6	struct	1			ro		smart products	header		fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC37	ble_network_in_range_devices_list_7	struct	1			ro		smart products	header		fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC38	ble_network_in_range_devices_list_8	struct	1			ro		smart products	header		fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC39	ble_network_in_range_devices_list_9	struct	1			ro		smart products	header		fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC3A	ble_network_in_range_devices_list_10	struct	1			ro		smart products	header		fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC3B	ble_network_in_range_devices_list_11	struct	1			ro		smart products	header		fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC3C	ble_network_in_range_devices_list_12	struct	1			ro		smart products	header		fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC3D	ble_network_in_range_devices_list_13	struct	1			ro		smart products	header		fields un8+un32+un16+un8+un32+sn8+un32+un32+un16+un8+un32+sn8+un32
EC3E	undocumented_ec3e	un8	1			ro		smart products	unconfirmed		in no public document; published as it is answered
EC3F	pincode_status	un8	1			ro		smart products	header		
EC40	settings_lock	un8	1			ro		smart products	header		
EC41	settings_changed	un32	1			ro		smart products	header		
EC42	ble_network_rssi	un8	1			ro		smart products	header		
EC43	cpu_temperature	un16	0.01	K		ro		smart products	header		
EC44	discharge_off_reason	un16	1			ro		smart products	header		
EC65	ble_advertisement_key	string16	1			ro		smart products	header		
EC66	ble_mac_address	string6	1			ro		smart products	header		
ECC3	tracker1_mode	un8	1		FF	ro	tracker_mode	mppt rs, multi rs	document		
ECCB	tracker1_voltage	un16	0.01	V	FFFF	ro		mppt rs, multi rs	document	2	
ECCC	tracker1_power	un32	0.01	W	FFFFFFFF	ro		mppt rs, multi rs	document		
ECCD	tracker1_current	un16	0.1	A	FFFF	ro		mppt rs, multi rs	document		
ECD3	tracker2_mode	un8	1		FF	ro	tracker_mode	mppt rs, multi rs	document		
ECDB	tracker2_voltage	un16	0.01	V	FFFF	ro		mppt rs, multi rs	document		
ECDC	tracker2_power	un32	0.01	W	FFFFFFFF	ro		mppt rs, multi rs	document		
ECDD	tracker2_current	un16	0.1	A	FFFF	ro		mppt rs, multi rs	document		
ECE3	tracker3_mode	un8	1		FF	ro	tracker_mode	mppt rs, multi rs	document		
ECEB	tracker3_voltage	un16	0.01	V	FFFF	ro		mppt rs, multi rs	document		
ECEC	tracker3_power	un32	0.01	W	FFFFFFFF	ro		mppt rs, multi rs	document		
ECED	tracker3_current	un16	0.1	A	FFFF	ro		mppt rs, multi rs	document		
ECF3	tracker4_mode	un8	1		FF	ro	tracker_mode	mppt rs, multi rs	document		
ECFB	tracker4_voltage	un16	0.01	V	FFFF	ro		mppt rs, multi rs	document		
ECFC	tracker4_power	un32	0.01	W	FFFFFFFF	ro		mppt rs, multi rs	document		
ECFD	tracker4_current	un16	0.1	A	FFFF	ro		mppt rs, multi rs	document		
ED1F	bat_rebulk_delay	un16	1	s	FFFF	rw		chargers (settings)	header		
ED20	bat_bulk_delay	un16	1	s	FFFF	rw		chargers (settings)	header		
ED21	bat_absorption_delay	un16	1	s	FFFF	rw		chargers (settings)	header		
ED22	bat_equalisation_delay	un16	1	s	FFFF	rw		chargers (settings)	header		
ED23	bat_link_parameter_timeout	un16	1	s	FFFF	rw		chargers (settings)	header		
ED24	bat_current_limiter_timeout	un16	1	s	FFFF	rw		chargers (settings)	header		
ED25	bat_min_absorption_time	un16	0.01	h	FFFF	rw		chargers (settings)	header		
ED26	bat_manual_equalisation_duration	un16	0.01	h	FFFF	rw		chargers (settings)	header		
ED27	bat_min_float_duration	un16	0.01	h	FFFF	rw		chargers (settings)	header		
ED28	bat_bms_charge_timeout	un16	1	s	FFFF	rw		chargers (settings)	header		
ED29	bat_bms_charge_duration	un16	1	s	FFFF	rw		chargers (settings)	header		
ED2A	bat_batterysafe_dv_dt_ramp	un16	0.01	mV/minute	FFFF	rw		chargers (settings)	header		
ED2B	bat_batterysafe_gas_voltage	un16	0.01	V	FFFF	rw		chargers (settings)	header		
ED2C	bat_intelligent_trip_voltage	un16	0.01	V	FFFF	rw		chargers (settings)	header		
ED2D	bat_intelligent_open_voltage	un16	0.01	V	FFFF	rw		chargers (settings)	header		
ED2E	rebulk_voltage_offset	un16	0.01	V	FFFF	rw		mppt	document	2	non-volatile; offset below float at which bulk starts again; not the older absolute level EDE2
ED2F	bat_chemistry	un8	1			rw		chargers (settings)	header		
ED4D	tank_capacity	un32	0.0001	m3		ro		other	header		
ED4E	tank_type	un8	1			ro		other	header		
ED4F	tank_level	un16	0.1	%		ro		other	header		
ED57	chr_algo_timeout	un16	1		FFFF	ro		other	header		
ED58	dc_output2_status	un8	1			ro		other	header		
ED59	dc_output2_voltage	un16	0.01	V		ro		other	header		
ED5A	dc_output2_power	un16	1	W		ro		other	header		
ED5B	dc_output2_control	un8	1			ro		other	header		
ED5C	dc_output2_offset_voltage	un8	0.01	V		ro		other	header		
ED5D	dc_output2_current	un16	0.1	A		ro		other	header		
ED5E	dc_output2_current_limit	un16	0.1	A		ro		other	header		
ED5F	dc_output2_max_current	un16	0.1	A		ro		other	header		
ED6B	dc_channel3_ripple_voltage	un16	0.001	V	FFFF	ro		other	header		
ED6C	dc_channel3_current_ma	sn32	0.001	A	7FFFFFFF	ro		other	header		
ED6D	dc3_voltage	sn16	0.01	V	7FFF	ro		phoenix charger (3)	header		
ED6E	dc_channel3_power	sn16	1	W	7FFF	ro		other	header		
ED6F	dc3_current	sn16	0.1	A	7FFF	ro		phoenix charger (3)	header		
ED7B	dc2_ripple_voltage	un16	0.001	V	FFFF	ro		multi	header		
ED7C	dc2_current_ma	sn32	0.001	A	7FFFFFFF	ro		some	header		
ED7D	dc2_voltage	sn16	0.01	V	7FFF	ro		bmv (aux/starter)	header	2	signed
ED7E	dc2_power	sn16	1	W	7FFF	ro		some	header		
ED7F	dc2_current	sn16	0.1	A	7FFF	ro		some	header		
ED8B	dc1_ripple_voltage	un16	0.01	V	FFFF	ro		mppt rs	document		document 0.01 V, header 0.001 V
ED8C	dc1_current_ma	sn32	0.001	A	7FFFFFFF	ro		bmv,shunt,ac charger	header	4	
ED8D	dc1_voltage	sn16	0.01	V	7FFF	ro		bmv,shunt,mppt rs,inverter,ac charger, mppt FW>=1.5x (async)	document	2	
ED8E	dc1_power	sn16	1	W	7FFF	ro		bmv,shunt	header	2	
ED8F	dc1_current	sn16	0.1	A	7FFF	ro		bmv,shunt,mppt rs,ac charger	document	2	small chargers do not know it when asked, yet some send it unasked
ED90	load_aes_timer	un16	1	min	FFFF	rw		smartsolar mppt 10/15/20A	document		
ED91	load_output_off_reason	un8	1			ro	load_off_reason_bits	smartsolar mppt 10/15/20A	document		
ED92	dc_output_rtc_on_time	un16	1		FFFF	ro		chargers	header		
ED93	dc_output_rtc_off_time	un16	1		FFFF	ro		chargers	header		
ED94	dc_output_rtc_expected_off_time	un16	1		FFFF	ro		chargers	header		
ED95	dc_output_rtc_expected_on_time	un16	1		FFFF	ro		chargers	header		
ED96	sunset_delay	un16	1	min	FFFF	rw		mppt 10/15/20A	document		
ED97	sunrise_delay	un16	1	min	FFFF	rw		mppt 10/15/20A	document		
ED98	rx_port_mode	un8	1			rw	rx_port_mode	mppt	document		RX pin level then switches the charger/load
ED99	panel_voltage_day	un16	0.01	V	FFFF	rw		mppt 10/15/20A	document		
ED9A	panel_voltage_night	un16	0.01	V	FFFF	rw		mppt 10/15/20A	document		
ED9B	gradual_dim_speed	un8	1	s		rw		mppt 10/15/20A	document		
ED9C	load_switch_low_level	un16	0.01	V	FFFF	rw		mppt 10/15/20A	document		
ED9D	load_switch_high_level	un16	0.01	V	FFFF	rw		mppt 10/15/20A	document		
ED9E	tx_port_mode	un8	1			rw	tx_port_mode	mppt	document		any value other than 0 stops TEXT output and confuses every other reader
ED9F	can_select	un8	1			ro		chargers	header		
EDA0	lighting_event0	struct	1			rw		mppt 10/15/20A	document		sn16 offset min, un8 anchor, un8 dim %. Anchor: document 1=sunset 2=midnight 3=sunrise; header 1=sunset 2=sunrise 3=midnight (conflict)
EDA1	lighting_event1	struct	1			rw		mppt 10/15/20A	document		sn16 offset min, un8 anchor, un8 dim %. Anchor: document 1=sunset 2=midnight 3=sunrise; header 1=sunset 2=sunrise 3=midnight (conflict)
EDA2	lighting_event2	struct	1			rw		mppt 10/15/20A	document		sn16 offset min, un8 anchor, un8 dim %. Anchor: document 1=sunset 2=midnight 3=sunrise; header 1=sunset 2=sunrise 3=midnight (conflict)
EDA3	lighting_event3	struct	1			rw		mppt 10/15/20A	document		sn16 offset min, un8 anchor, un8 dim %. Anchor: document 1=sunset 2=midnight 3=sunrise; header 1=sunset 2=sunrise 3=midnight (conflict)
EDA4	lighting_event4	struct	1			rw		mppt 10/15/20A	document		sn16 offset min, un8 anchor, un8 dim %. Anchor: document 1=sunset 2=midnight 3=sunrise; header 1=sunset 2=sunrise 3=midnight (conflict)
EDA5	lighting_event5	struct	1			rw		mppt 10/15/20A	document		sn16 offset min, un8 anchor, un8 dim %. Anchor: document 1=sunset 2=midnight 3=sunrise; header 1=sunset 2=sunrise 3=midnight (conflict)
EDA6	dc_output_lighting_dim	un8	1			ro		chargers	header		
EDA7	midpoint_shift	sn16	1	min		rw		mppt 10/15/20A	document		
EDA8	load_output_state	un8	1			ro	load_output_state	mppt 10/15/20A	document	1	
EDA9	load_output_voltage	un16	0.01	V	FFFF	ro		smartsolar 10/15/20A	document		
EDAA	load_output_power	un16	1	W	FFFF	ro		some	header		
EDAB	load_output_control	un8	1			rw	load_output_control	mppt 10/15/20A	document		mask low nibble; bit7 = lighting timer. switches customer load
EDAC	load_offset_voltage	un8	0.01	V		rw		mppt 10/15/20A	document		doc before rev16 said un16
EDAD	load_current	un16	0.1	A	FFFF	ro		mppt 10/15/20A	document	2	
EDAE	dc_output_current_limit	un16	0.1	A	FFFF	ro		chargers	header		
EDAF	dc_output_max_current	un16	0.1	A	FFFF	ro		chargers	header		
EDB0	dc_output_current_percentage	un8	1	%	FF	ro		chargers	header		
EDB1	panel_input_resistance	un32	1	Ohm	FFFFFFFF	ro		mppt rs	document		
EDB2	panel_starting_voltage	un16	0.01	V	FFFF	ro		mppt rs	document		
EDB3	tracker_mode	un8	1		FF	ro	tracker_mode	mppt	document	1	FW>=1.42
EDB4	panel_mpp_power	un32	0.01	W	FFFFFFFF	ro		mppt	header	4	not in public doc; async on FW 3.16
EDB5	panel_mpp_voltage	un16	0.01	V	FFFF	ro		mppt	header	2	not in public doc; async on FW 3.16
EDB6	panel_open_circuit_voltage	un16	0.01	V	FFFF	ro		mppt	header		not in public doc
EDB7	dc_input_disable_protection	un8	1			ro		chargers	header		
EDB8	panel_maximum_voltage	un16	0.01	V	FFFF	ro		mppt	document	2	
EDB9	relay_panel_high_voltage_clear	un16	0.01	V	FFFF	rw		mppt with relay	document		
EDBA	relay_panel_high_voltage_set	un16	0.01	V	FFFF	rw		mppt with relay	document		
EDBB	panel_voltage	un16	0.01	V	FFFF	ro		mppt	document	2	
EDBC	panel_power	un32	0.01	W	FFFFFFFF	ro		mppt	document	4	
EDBD	panel_current	un16	0.1	A	FFFF	ro		mppt >20A	document	2	not on 10/15/20 A models (unknown id)
EDBE	dc_input_current_limit	un16	0.1	A	FFFF	ro		chargers	header		
EDBF	panel_maximum_current	un16	0.1	A	FFFF	ro		mppt rs	document		
EDC0	converter_frequency	un16	1	Hz	FFFF	ro		chargers	header		
EDC6	equalise_voltage_max	un16	0.01	V		ro		mppt rs	document		
EDC7	equalise_current_max	un8	1	%	FF	ro		mppt rs	document		
EDC8	chr_min_current	un16	0.1	A		ro		chargers	header		
EDC9	chr_max_power	un32	0.01	W		ro		chargers	header		
EDCA	voltage_compensation	un16	0.01	V		rw		mppt	document		non-volatile; some units answer unknown id
EDCB	chr_low_current	un16	0.1	A		ro		chargers	header		
EDCC	streetlight_version	un8	1			ro		mppt	document		
EDCD	history_version	un8	1			ro		mppt	document		
EDCE	voltage_settings_range	struct	1	V		ro		mppt	document		un8 min + un8 max system voltage (low byte = min)
EDD0	max_power_yesterday	un16	1	W	FFFF	ro		mppt	document	2	
EDD1	yield_yesterday	un16	0.01	kWh	FFFF	ro		mppt	document	2	un32 up to FW 1.12
EDD2	max_power_today	un16	1	W	FFFF	ro		mppt	document	2	un32 on newer VE.Can products
EDD3	yield_today	un16	0.01	kWh	FFFF	ro		mppt	document	2	un32 up to FW 1.12; decode by payload length
EDD4	additional_state	un8	1			ro	additional_state_bits	mppt	document		
EDD5	battery_voltage	un16	0.01	V	FFFF	ro		mppt	document	2	at the charger's battery terminals; MPPT RS: use 0xED8D
EDD6	chr_power	un16	1	W	FFFF	ro		chargers	header		
EDD7	charger_current	un16	0.1	A	FFFF	ro		mppt	document	2	document un16, header sn16 with 7FFF as not available; includes the load output: battery current = this - EDAD; MPPT RS: ED8F
EDD8	relay_state	un8	1			ro	open_closed	mppt with relay	header		
EDD9	relay_operation_mode	un8	1			rw	mppt_relay_mode	mppt with relay	document		unsupported values are accepted silently
EDDA	charger_error	un8	1			ro	charger_error	mppt	document	1	
EDDB	charger_internal_temperature	sn16	0.01	degC	7FFF	ro		mppt	document	2	signed
EDDC	user_yield	un32	0.01	kWh	FFFFFFFF	ro		mppt	document	4	resettable
EDDD	system_yield	un32	0.01	kWh	FFFFFFFF	ro		mppt	document	4	
EDDE	chr_outputs	un8	1			ro		chargers	header		
EDDF	charger_maximum_current	un16	0.1	A	FFFF	ro		mppt	document	2	doc before rev16 said 0.01
EDE0	battery_low_temp_level	sn16	0.01	degC		rw		mppt	document	2	non-volatile; default 5.00
EDE1	rebulk_current_level	un16	0.1	A	FFFF	rw		ac chargers	header		non-volatile
EDE2	rebulk_voltage_level	un16	0.01	V	FFFF	rw		old/ac chargers	header		non-volatile; the older absolute level; see ED2E
EDE3	equalisation_duration	un16	0.01	h		rw		mppt	document	2	non-volatile
EDE4	equalisation_current_level	un8	1	%	FF	rw		mppt	document	1	non-volatile
EDE5	auto_equalise_stop_on_voltage	un8	1			rw	no_yes	mppt	document	1	non-volatile
EDE6	low_temp_charge_current	un16	0.1	A		rw		mppt	document	2	non-volatile; 0xFFFF means "use maximum", 0 = stop charging: NOT a not-available value
EDE7	tail_current	un16	0.1	A	FFFF	rw		mppt	document	2	non-volatile; ampere by the header, no unit in the document; firmware >= 1.42
EDE8	bms_present	un8	1			rw	no_yes	mppt	document	1	non-volatile; set automatically when a BMS writes; clears error 67 when reset
EDE9	bat_psu_v	un16	0.01	V	FFFF	ro		chargers	header		
EDEA	battery_voltage_setting	un8	1	V		rw	battery_voltage_setting	mppt	document	1	non-volatile; 0=auto
EDEB	bat_high_v	un16	0.01	V	FFFF	ro		chargers	header		
EDEC	battery_temperature	un16	0.01	K	FFFF	ro		mppt	document	2	Kelvin; not available without a temperature source on the battery or in the network; firmware >= 1.42
EDED	bat_intelligent_mode	un8	1			ro		chargers	header		
EDEE	bat_storage_mode	un8	1			ro		chargers	header		
EDEF	system_voltage	un8	1	V		rw	battery_voltage_setting	mppt	document	1	non-volatile; reads the operating system voltage, writes force it
EDF0	battery_maximum_current	un16	0.1	A	FFFF	rw		mppt	document	2	non-volatile; use 0x2015 for dynamic limits
EDF1	battery_type	un8	1			rw	battery_type	mppt	document	1	non-volatile
EDF2	battery_temp_compensation	sn16	0.01	mV/K		rw		mppt	document	2	non-volatile; signed, e.g. F9AC = -16.20 mV/K
EDF3	bat_discharge_v	un16	0.01	V	FFFF	ro		chargers	header		
EDF4	battery_equalisation_voltage	un16	0.01	V	FFFF	rw		mppt	document	2	non-volatile
EDF5	battery_storage_voltage	un16	0.01	V	FFFF	rw		ac chargers	header		non-volatile
EDF6	battery_float_voltage	un16	0.01	V	FFFF	rw		mppt	document	2	non-volatile
EDF7	battery_absorption_voltage	un16	0.01	V	FFFF	rw		mppt	document	2	non-volatile
EDF8	battery_repeated_absorption_interval	un16	0.01	d		rw		ac chargers	header		non-volatile
EDF9	battery_repeated_absorption_duration	un16	0.01	h		rw		ac chargers	header		non-volatile
EDFA	battery_float_time_limit	un16	0.01	h		rw		ac chargers	header		non-volatile
EDFB	battery_absorption_time_limit	un16	0.01	h		rw		mppt	document	2	non-volatile
EDFC	battery_bulk_time_limit	un16	0.01	h		rw		mppt	document		non-volatile; removed FW 1.42
EDFD	auto_equalise_mode	un8	1			rw		mppt	document	1	non-volatile; 0=off, n=every n days (1..250); FW>=1.16
EDFE	adaptive_mode	un8	1			rw	off_on	mppt	document	1	non-volatile; FW>=1.42
EDFF	battery_safe_mode	un8	1			rw	off_on	mppt	document		non-volatile; removed FW 1.42 (1.13 disabled) => unknown id
EE10	bat_temperature_sense_source	un8	1			ro		chargers	header		
EE11	bat_voltage_sense_source	un8	1			ro		chargers	header		
EE12	bat_temperature_est	un16	0.01	K	FFFF	ro		chargers	header		
EE13	bat_temperature_offset	sn16	0.01	K	7FFF	ro		chargers	header		
EE14	bat_psu_v_min	un16	0.01	V	FFFF	ro		chargers	header		
EE15	bat_psu_v_max	un16	0.01	V	FFFF	ro		chargers	header		
EE16	bat_vsense_used	un16	0.01	V	FFFF	ro		chargers	header	2	
EE17	bat_re_bulk_method	un8	1			ro		chargers	header		
EEB6	bmv_synchronized	un8	1			ro		bmv	header	1	
EEB7	bmv_temperature	float	1			ro		bmv	header		
EEB8	bmv_monitor_mode	sn16	1			ro		bmv	header	2	
EEE0	bmv_show_voltage	un8	1			rw		bmv	header	1	
EEE1	bmv_show_aux_voltage	un8	1			rw		bmv	header	1	
EEE2	bmv_show_mid_voltage	un8	1			rw		bmv	header	1	
EEE3	bmv_show_current	un8	1			rw		bmv	header	1	
EEE4	bmv_show_ah	un8	1			rw		bmv	header	1	
EEE5	bmv_show_soc	un8	1			rw		bmv	header	1	
EEE6	bmv_show_ttg	un8	1			rw		bmv	header	1	
EEE7	bmv_show_temperature	un8	1			rw		bmv	header	1	
EEE8	bmv_show_power	un8	1			rw		bmv	header	1	
EEF4	bmv_temperature_coefficient	un16	1			rw		bmv	header	2	
EEF5	bmv_scroll_speed	un8	1			rw		bmv	header	1	
EEF6	bmv_setup_lock	un8	1			rw		bmv	header	1	
EEF7	bmv_temperature_unit	un8	1			rw		bmv	header	1	
EEF8	bmv_aux_input	un8	1			rw		bmv	header	1	
EEF9	bmv_sw_version	un16	1			rw		bmv	header		
EEFA	bmv_shunt_volts	un16	0.001	V		rw		bmv	header	2	
EEFB	bmv_shunt_amps	un16	1	A		rw		bmv	header	2	
EEFC	bmv_alarm_buzzer_on	un8	1			rw		bmv	header	1	
EEFE	bmv_backlight	un8	1			rw		bmv	header	1	
EEFF	cah	sn32	0.1	Ah		rw		bmv	header	4	deprecated
EF00	first_use_setup	bitfield	1			rw		bmv	header	2	fields bits[1]+bits[15]
"""#
