// swift-format-ignore-file
// The products: a line of headings, then a product a line.
// A literal and not a resource, so that the library stays one file to link and nothing is looked for at run time.
let productTable = #"""
id	model	family
0001	VPN	other
0002	VBC	other
0003	VVC	other
0004	VCC	other
0005	VCM	other
0006	VGM	other
0007	VRS	other
0008	Free Technics software	other
0009	VBC GMDSS	other
000A	VPM GMDSS	other
000B	BPP	other
000C	VBC 48V	other
000D	VVC2	other
000E	VBC 144V	other
000F	VBC2	other
0010	VBC 144V	other
0011	Lynx Shunt 1000A VE.Net	battery_monitor
0100	BMV to NMEA2000 interface	battery_monitor
0101	Skylla-i Control	ac_charger
0102	Hybrid Panel	other
0103	VE.Bus to NMEA2000 interface	other
0104	Skylla-i 24/100 (1+1)	ac_charger
0105	Skylla-i 24/80A (1+1)	ac_charger
0106	Skylla-i 24/100 (3)	ac_charger
0107	Skylla-i 24/80 (3)	ac_charger
0108	BlueSolar Charger MPPT 150/70	mppt
0140	Ion Control	other
0141	Lynx Shunt 1000A VE.Can	battery_monitor
0142	Lynx Ion	other
0200	BMV-600S	battery_monitor
0201	BMV-602S	battery_monitor
0202	BMV-600HS	battery_monitor
0203	BMV-700	battery_monitor
0204	BMV-702	battery_monitor
0205	BMV-700H	battery_monitor
0211	BMV PCBA test firmware	battery_monitor
0300	BlueSolar MPPT 70/15	mppt
1110	Remote panel	other
1120	Remote panel 20MHz	other
1121	Remote panel Dongle 20MHz	other
1130	MK2 20Mhz	other
1131	MK2 Dongle 20Mhz	other
1132	VE.Bus Resetter (based on MK2) 20 Mhz	other
1140	MK2 tachometer 20Mhz	other
1145	BMS 20Mhz	other
1150	Solar switch box	other
1160	USB VEBus grabber	other
1170	MK3	other
1421	Phoenix Charger 12/100	ac_charger
1422	Phoenix Charger 12/200	ac_charger
1431	Phoenix Charger 24/50	ac_charger
1432	Phoenix Charger 24/100	ac_charger
1700	Phoenix Multi 12V full power	inverter_charger
1701	Phoenix Multi 12V half power	inverter_charger
1702	Phoenix MultiPlus 12V full power	inverter_charger
1703	MultiCompact 12V low power	inverter_charger
1704	MultiCompact 12V medium power	inverter_charger
1705	MultiCompact 12V high power	inverter_charger
1706	MultiCompactPlus 12V high power	inverter_charger
1707	MultiCompactPlus 12V medium power	inverter_charger
1710	Phoenix Multi 24V full power	inverter_charger
1711	Phoenix Multi 24V half power	inverter_charger
1712	Phoenix MultiPlus 24V full power	inverter_charger
1713	MultiCompact 24V low power	inverter_charger
1714	MultiCompact 24V medium power	inverter_charger
1715	MultiCompact 24V high power	inverter_charger
1716	MultiCompactPlus 24V high power	inverter_charger
1717	MultiCompactPlus 24V medium power	inverter_charger
1730	Phoenix Multi 120 12V full power	inverter_charger
1731	Phoenix Multi 120 12V half power	inverter_charger
1732	Phoenix MultiPlus 120 12V full power	inverter_charger
1740	Phoenix Multi 120 24V full power	inverter_charger
1741	Phoenix Multi 120 24V half power	inverter_charger
1742	Phoenix MultiPlus 120 24V full power	inverter_charger
1750	Phoenix Multi 48V full power	inverter_charger
1751	Phoenix Multi 48V half power	inverter_charger
1752	Phoenix MultiPlus 48V full power	inverter_charger
1800	Phoenix Multi 12V full power	inverter_charger
1801	Phoenix Multi 12V half power	inverter_charger
1802	Phoenix MultiPlus 12V full power	inverter_charger
1803	MultiCompact 12V low power	inverter_charger
1804	MultiCompact 12V medium power	inverter_charger
1805	MultiCompact 12V high power	inverter_charger
1806	MultiCompactPlus 12V high power	inverter_charger
1807	MultiCompactPlus 12V medium power	inverter_charger
1808	Phoenix MultiPlus 12V/2000	inverter_charger
1809	Phoenix MultiPlus 12V/3000	inverter_charger
1810	Phoenix Multi 24V full power	inverter_charger
1811	Phoenix Multi 24V half power	inverter_charger
1812	Phoenix MultiPlus 24V full power	inverter_charger
1813	MultiCompact 24V low power	inverter_charger
1814	MultiCompact 24V medium power	inverter_charger
1815	MultiCompact 24V high power	inverter_charger
1816	MultiCompactPlus 24V high power	inverter_charger
1817	MultiCompactPlus 24V medium power	inverter_charger
1818	Phoenix MultiPlus 24V/2000	inverter_charger
1830	Phoenix Multi 120 12V full power	inverter_charger
1831	Phoenix Multi 120 12V half power	inverter_charger
1832	Phoenix MultiPlus 120 12V full power	inverter_charger
1836	MultiCompactPlus 120 12V high power	inverter_charger
1839	Phoenix MultiPlus 120 12V/3000	inverter_charger
1840	Phoenix Multi 120 24V full power	inverter_charger
1841	Phoenix Multi 120 24V half power	inverter_charger
1842	Phoenix MultiPlus 120 24V full power	inverter_charger
1846	MultiCompactPlus 120 24V high power	inverter_charger
1850	Phoenix Multi 48V full power	inverter_charger
1851	Phoenix Multi 48V half power	inverter_charger
1852	Phoenix MultiPlus 48V full power	inverter_charger
1856	MultiCompactPlus 48V high power	inverter_charger
1862	Phoenix MultiPlus 120 48V full power	inverter_charger
1871	MultiCompactPlus 12V 2K	inverter_charger
1872	MultiCompactPlus 24V 2K	inverter_charger
1900	MultiPlus 12/3000/120-50	inverter_charger
1901	MultiPlus 12/3000/120-30	inverter_charger
1902	Phoenix MultiPlus 12V full power	inverter_charger
1903	Phoenix Multi Compact 12/800/35-16	inverter_charger
1906	MultiPlus Compact 12/1600/70-16	inverter_charger
1907	MultiPlus Compact 12/1200/50-16	inverter_charger
1908	MultiPlus Compact 12/2000/80-30	inverter_charger
1909	MultiPlus 12/3000/120-16	inverter_charger
1910	MultiPlus 24/3000/70-50	inverter_charger
1911	MultiPlus 24/3000/70-30	inverter_charger
1912	MultiPlus 24/3000/70-16	inverter_charger
1913	Phoenix Multi Compact 24/800/16-16	inverter_charger
1916	MultiPlus Compact 24/1600/40-16	inverter_charger
1917	MultiPlus Compact 24/1200/25-16	inverter_charger
1918	MultiPlus Compact 24/2000/50-30	inverter_charger
1920	MultiPlus 48/3000/35-50	inverter_charger
1921	MultiPlus 48/3000/35-30	inverter_charger
1922	MultiPlus 48/3000/35-16	inverter_charger
1930	Quattro 12/5000/200-2x30	inverter_charger
1931	Quattro 12/3000/120-50/30	inverter_charger
1932	Quattro 12/5000/200-50/30	inverter_charger
1933	Quattro 12/5000/220-2x75	inverter_charger
1940	Quattro 24/5000/120-2x30	inverter_charger
1941	Quattro 24/3000/70-50/30	inverter_charger
1942	Quattro 24/5000/120-50/30	inverter_charger
1943	Quattro 24/8000/200-2x100	inverter_charger
1948	Quattro 24/5000/120-2x100	inverter_charger
1949	MultiPlus 24/5000/120-50	inverter_charger
1950	Quattro 48/5000/70-2x30	inverter_charger
1952	Quattro 48/5000/70-50/30	inverter_charger
1953	Quattro 48/10000/140-2x100	inverter_charger
1954	Quattro 48/8000/110-2x100	inverter_charger
1958	Quattro 48/5000/70-2x100	inverter_charger
1959	MultiPlus 48/5000/70-50	inverter_charger
2002	MultiPlus 12/3000/120-50 120V	inverter_charger
2008	MultiPlus Compact 12/2000/80-50 120V	inverter_charger
2009	Phoenix MultiPlus 120 12V/3000	inverter_charger
2012	MultiPlus 24/3000/70-50 120V	inverter_charger
2018	MultiPlus Compact 24/2000/50-50 120V	inverter_charger
2022	Phoenix MultiPlus 120 48V/3000	inverter_charger
2048	Quattro 24/5000/120-2x100 120V	inverter_charger
2051	Quattro 48/3000/35-2x50 120V	inverter_charger
2053	Quattro 48/5000/70-2x100 120V	inverter_charger
2059	Phoenix MultiPlus 120 48V/5000	inverter_charger
2060	Phoenix 12/3000/120-50-120/240V	other
2062	MultiPlus Compact 12/2000/80-50(30)-120/240V	inverter_charger
2071	Quattro 24/5000/120-2x60-120/240V	inverter_charger
2072	MultiPlus Compact 24/2000/50-50(30)-120/240V	inverter_charger
2080	Phoenix MultiPlus 120/240 48V/3000 with 50A AC relais	inverter_charger
2101	Phoenix HF	other
2403	Phoenix 12/800	other
2404	Phoenix 12/1200	other
2413	Phoenix 24/800	other
2414	Phoenix 24/1200	other
2423	Phoenix 48/800	other
2424	Phoenix 48/1200	other
2453	Phoenix 12/800 120V	other
2454	Phoenix 12/1200 120V	other
2463	Phoenix 24/800 120V	other
2464	Phoenix 24/1200 120V	other
2473	Phoenix 48/800 120V	other
2474	Phoenix 48/1200 120V	other
2600	MultiPlus 12/3000/120-50	inverter_charger
2603	MultiPlus Compact 12/800/35-16	inverter_charger
2605	MultiPlus-II 12/3000/120-32	inverter_charger
2606	MultiPlus Compact 12/1600/70-16	inverter_charger
2607	MultiPlus Compact 12/1200/50-16	inverter_charger
2608	MultiPlus Compact 12/2000/80-30	inverter_charger
2609	MultiPlus 12/3000/120-16	inverter_charger
2610	MultiPlus 24/3000/70-50	inverter_charger
2611	MultiPlus-II 24/3000/70-32	inverter_charger
2612	MultiPlus 24/3000/70-16	inverter_charger
2613	MultiPlus Compact 24/800/16-16	inverter_charger
2614	MultiPlus 24/5000/120-100	inverter_charger
2615	MultiPlus-II 24/5000/120-50	inverter_charger
2616	MultiPlus Compact 24/1600/40-16	inverter_charger
2617	MultiPlus Compact 24/1200/25-16	inverter_charger
2618	MultiPlus Compact 24/2000/50-30	inverter_charger
2619	MultiPlus-II 48/15000/200-100	inverter_charger
2620	MultiPlus 48/3000/35-50	inverter_charger
2621	MultiPlus-II 48/8000/110-100	inverter_charger
2622	MultiPlus 48/3000/35-16	inverter_charger
2623	MultiPlus-II 48/5000/70-50	inverter_charger
2624	MultiPlus 48/5000/70-100	inverter_charger
2625	MultiPlus-II 48/3000/35-32	inverter_charger
2626	MultiPlus-II 48/5000/70-50	inverter_charger
2627	MultiPlus-II 48/10000/140-100/100	inverter_charger
2628	MultiPlus-II 48/3000/35-32	inverter_charger
2629	MultiPlus-II 48/3000/35-32	inverter_charger
2631	Quattro 12/3000/120-50/30	inverter_charger
2632	Quattro-II 12/5000/200-2x50	inverter_charger
2633	Quattro 12/5000/220-2x75	inverter_charger
2634	Quattro 12/3000/120-2x50	inverter_charger
2641	Quattro 24/3000/70-50/30	inverter_charger
2642	Quattro 24/5000/120-50/30	inverter_charger
2643	Quattro 24/8000/200-2x100	inverter_charger
2644	Quattro 24/3000/70-2x50	inverter_charger
2645	Quattro-II 24/5000/120-2x50	inverter_charger
2648	Quattro 24/5000/120-2x100	inverter_charger
2649	MultiPlus 24/5000/120-50	inverter_charger
2651	Quattro-II 48/5000/70-2x50	inverter_charger
2652	Quattro 48/5000/70-50/30	inverter_charger
2653	Quattro 48/10000/140-2x100	inverter_charger
2654	Quattro 48/8000/110-2x100	inverter_charger
2655	Quattro 48/8000/110-2x100	inverter_charger
2656	Quattro 48/15000/200-2x100	inverter_charger
2657	Quattro 48/5000/70-2x100-S	inverter_charger
2658	Quattro 48/5000/70-2x100	inverter_charger
2659	MultiPlus 48/5000/70-50	inverter_charger
2660	MultiPlus 12/500/20-16	inverter_charger
2661	MultiPlus 12/800/35-16	inverter_charger
2662	MultiPlus 12/1200/50-16	inverter_charger
2663	MultiPlus 12/1600/70-16	inverter_charger
2664	MultiPlus 12/2000/80-32	inverter_charger
2665	MultiPlus 24/500/10-16	inverter_charger
2666	MultiPlus 24/800/16-16	inverter_charger
2667	MultiPlus 24/1200/25-16	inverter_charger
2668	MultiPlus 24/1600/40-16	inverter_charger
2669	MultiPlus 24/2000/50-32	inverter_charger
2670	MultiPlus 48/500/6-16	inverter_charger
2671	MultiPlus 48/800/9-16	inverter_charger
2672	MultiPlus 48/1200/13-16	inverter_charger
2673	MultiPlus 48/1600/20-16	inverter_charger
2674	MultiPlus 48/2000/25-32	inverter_charger
2680	MultiGrid 12/3000/120-50	inverter_charger
2685	MultiGrid 24/3000/70-50	inverter_charger
2690	MultiGrid 48/3000/35-50	inverter_charger
2702	MultiPlus 12/3000/120-50 120V	inverter_charger
2705	MultiPlus-II 12/3000/120-50 120V	inverter_charger
2708	MultiPlus Compact 12/2000/80-50 120V	inverter_charger
2711	MultiPlus-II 24/3000/70-50 120V	inverter_charger
2712	MultiPlus 24/3000/70-50 120V	inverter_charger
2718	MultiPlus Compact 24/2000/50-50 120V	inverter_charger
2729	MultiPlus-II 48/3000/35-50 120V	inverter_charger
2733	Quattro 12/5000/220-2x100 120V	inverter_charger
2748	Quattro 24/5000/120-2x100 120V	inverter_charger
2751	Quattro 48/3000/35-2x50 120V	inverter_charger
2753	Quattro 48/5000/70-2x100 120V	inverter_charger
2754	Quattro 48/10000/140-2x100 120V	inverter_charger
2764	MultiPlus 12/2000/80-50 120V	inverter_charger
2769	MultiPlus 24/2000/50-50 120V	inverter_charger
2774	MultiPlus 48/2000/25-50 120V	inverter_charger
2775	MultiPlus-II 24/3000/70-50 2x120V	inverter_charger
2780	MultiPlus-II 12/3000/120-50 2x120V	inverter_charger
2781	Quattro-II 12/3000/120-2x50 2x120V	inverter_charger
A000	Skylla-IP44/IP65 battery charger	ac_charger
A001	Skylla-IP65 12V/70A (1+1)	ac_charger
A002	Skylla-IP65 12V/70A (3)	ac_charger
A003	Skylla-IP44 12V/60A (1+1)	ac_charger
A004	Skylla-IP44 12V/60A (3)	ac_charger
A005	Skylla-IP65 24V/35A (1+1)	ac_charger
A006	Skylla-IP65 24V/35A (3)	ac_charger
A007	Skylla-IP44 24V/30A (1+1)	ac_charger
A008	Skylla-IP44 24V/30A (3)	ac_charger
A010	Skylla-S battery charger	ac_charger
A011	Skylla-S 12V/100A (1+1)	ac_charger
A012	Skylla-S 12V/100A (3)	ac_charger
A013	Skylla-S 24V/100A (1+1)	ac_charger
A014	Skylla-S 24V/100A (3)	ac_charger
A015	Skylla-S 24V/50A (1+1)	ac_charger
A016	Skylla-S 24V/50A (3)	ac_charger
A040	BlueSolar MPPT 75/50	mppt
A041	BlueSolar MPPT 150/35	mppt
A042	BlueSolar MPPT 75/15	mppt
A043	BlueSolar MPPT 100/15	mppt
A044	BlueSolar MPPT 100/30	mppt
A045	BlueSolar MPPT 100/50	mppt
A046	BlueSolar MPPT 150/70	mppt
A047	BlueSolar MPPT 150/100	mppt
A048	BlueSolar MPPT 75/50 rev2	mppt
A049	BlueSolar MPPT 100/50 rev2	mppt
A04A	BlueSolar MPPT 100/30 rev2	mppt
A04B	BlueSolar MPPT 150/35 rev2	mppt
A04C	BlueSolar MPPT 75/10	mppt
A04D	BlueSolar MPPT 150/45	mppt
A04E	BlueSolar MPPT 150/60	mppt
A04F	BlueSolar MPPT 150/85	mppt
A050	SmartSolar MPPT 250/100	mppt
A051	SmartSolar MPPT 150/100	mppt
A052	SmartSolar MPPT 150/85	mppt
A053	SmartSolar MPPT 75/15	mppt
A054	SmartSolar MPPT 75/10	mppt
A055	SmartSolar MPPT 100/15	mppt
A056	SmartSolar MPPT 100/30	mppt
A057	SmartSolar MPPT 100/50	mppt
A058	SmartSolar MPPT 150/35	mppt
A059	SmartSolar MPPT 150/100 rev2	mppt
A05A	SmartSolar MPPT 150/85 rev2	mppt
A05B	SmartSolar MPPT 250/70	mppt
A05C	SmartSolar MPPT 250/85	mppt
A05D	SmartSolar MPPT 250/60	mppt
A05E	SmartSolar MPPT 250/45	mppt
A05F	SmartSolar MPPT 100/20	mppt
A060	SmartSolar MPPT 100/20 48V	mppt
A061	SmartSolar MPPT 150/45	mppt
A062	SmartSolar MPPT 150/60	mppt
A063	SmartSolar MPPT 150/70	mppt
A064	SmartSolar MPPT 250/85 rev2	mppt
A065	SmartSolar MPPT 250/100 rev2	mppt
A066	BlueSolar MPPT 100/20	mppt
A067	BlueSolar MPPT 100/20 48V	mppt
A068	SmartSolar MPPT 250/60 rev2	mppt
A069	SmartSolar MPPT 250/70 rev2	mppt
A06A	SmartSolar MPPT 150/45 rev2	mppt
A06B	SmartSolar MPPT 150/60 rev2	mppt
A06C	SmartSolar MPPT 150/70 rev2	mppt
A06D	SmartSolar MPPT 150/85 rev3	mppt
A06E	SmartSolar MPPT 150/100 rev3	mppt
A06F	BlueSolar MPPT 150/45 rev2	mppt
A070	BlueSolar MPPT 150/60 rev2	mppt
A071	BlueSolar MPPT 150/70 rev2	mppt
A072	BlueSolar MPPT 150/45 rev3	mppt
A073	SmartSolar MPPT 150/45 rev3	mppt
A074	SmartSolar MPPT 75/10 rev2	mppt
A075	SmartSolar MPPT 75/15 rev2	mppt
A076	BlueSolar MPPT 100/30 rev3	mppt
A077	BlueSolar MPPT 100/50 rev3	mppt
A078	BlueSolar MPPT 150/35 rev3	mppt
A079	BlueSolar MPPT 75/10 rev2	mppt
A07A	BlueSolar MPPT 75/15 rev2	mppt
A07B	BlueSolar MPPT 100/15 rev2	mppt
A07C	BlueSolar MPPT 75/10 rev3	mppt
A07D	BlueSolar MPPT 75/15 rev3	mppt
A07E	SmartSolar MPPT 100/30 12V	mppt
A07F	All-In-1 SmartSolar MPPT 75/15 12V	mppt
A080	SmartSolar MPPT 250/60 rev3	mppt
A081	SmartSolar MPPT 250/70 rev3	mppt
A0C1	Lithium Battery Balancer 12V/3.5A	other
A0C2	Lithium Battery Balancer 12V/8A	other
A0C3	Lithium Battery Balancer 24V/3.5A	other
A0C4	Lithium Battery Balancer 12V/2A	other
A0E0	Smart Lithium Battery 12.8V/90Ah	other
A0E1	Smart Lithium Battery 12.8V/60Ah	other
A0E2	Smart Lithium Battery 12.8V/160Ah	other
A0E3	Smart Lithium Battery 12.8V/200Ah	other
A0E4	Smart Lithium Battery 12.8V/300Ah	other
A0E5	Smart Lithium Battery 12.8V/100Ah	other
A0E6	Smart Lithium Battery 12.8V/200Ah	other
A0E7	Smart Lithium Battery 12.8V/300Ah	other
A0E8	Smart Lithium Battery 12.8V/100Ah	other
A0E9	Smart Lithium Battery 12.8V/150Ah	other
A0EA	Smart Lithium Battery 25.6V/200Ah	other
A0EB	Smart Lithium Battery 12.8V/200Ah	other
A0EC	Smart Lithium Battery 12.8V/160Ah	other
A0ED	Smart Lithium Battery 12.8V/50Ah	other
A0EE	Smart Lithium Battery 25.6V/200Ah	other
A0EF	Smart Lithium Battery 25.6V/100Ah	other
A0F0	Smart Lithium Battery 12.8V/330Ah	other
A0F1	Smart Lithium Battery 25.6V/330Ah	other
A0F2	Smart Lithium Battery 12.8V/300Ah	other
A100	BlueSolar Remote Panel	other
A101	BlueSolar Charger MPPT 150/85	mppt
A102	SmartSolar MPPT VE.Can 150/70	mppt_vecan
A103	SmartSolar MPPT VE.Can 150/45	mppt_vecan
A104	SmartSolar MPPT VE.Can 150/60	mppt_vecan
A105	SmartSolar MPPT VE.Can 150/85	mppt_vecan
A106	SmartSolar MPPT VE.Can 150/100	mppt_vecan
A107	SmartSolar MPPT VE.Can 250/45	mppt_vecan
A108	SmartSolar MPPT VE.Can 250/60	mppt_vecan
A109	SmartSolar MPPT VE.Can 250/70	mppt_vecan
A10A	SmartSolar MPPT VE.Can 250/85	mppt_vecan
A10B	SmartSolar MPPT VE.Can 250/100	mppt_vecan
A10C	SmartSolar MPPT VE.Can 150/70 rev2	mppt_vecan
A10D	SmartSolar MPPT VE.Can 150/85 rev2	mppt_vecan
A10E	SmartSolar MPPT VE.Can 150/100 rev2	mppt_vecan
A10F	BlueSolar MPPT VE.Can 150/100	mppt_vecan
A110	SmartSolar MPPT RS 450/100	mppt_rs
A111	SmartSolar MPPT RS 450/200	mppt_rs
A112	BlueSolar MPPT VE.Can 250/70	mppt_vecan
A113	BlueSolar MPPT VE.Can 250/100	mppt_vecan
A114	SmartSolar MPPT VE.Can 250/70 rev2	mppt_vecan
A115	SmartSolar MPPT VE.Can 250/100 rev2	mppt_vecan
A116	SmartSolar MPPT VE.Can 250/85 rev2	mppt_vecan
A117	BlueSolar MPPT VE.Can 150/100 rev2	mppt_vecan
A120	VE.Bus to NMEA2000 interface (rev2)	other
A121	VE.Direct to CAN interface	other
A130	Lynx Ion + Shunt	battery_monitor
A131	Lynx Smart Shunt 1000A VE.Can	battery_monitor
A140	PV Inverter (QWACS)	inverter
A141	PV Inverter (AC Current Sensor)	inverter
A142	Fronius solar inverters	inverter
A143	SMA solar inverters	inverter
A144	SunSpec solar inverters	inverter
A145	ABB/Fimer solar inverters	inverter
A160	Tank sensor	other
A161	Generic Tank Input	other
A162	Generic Temperature Input	other
A163	NMEA-0183 GPS	other
A164	NMEA 2000 GPS	other
A165	Generic pulse meter	other
A166	Generic digital input	other
A170	Mppt control	mppt
A171	Mppt control PCBA test firmware	mppt
A180	Peak Power Pack 12V 8Ah	other
A181	Peak Power Pack PCBA test firmware	other
A182	VE.Direct Bluetooth Smart Dongle	other
A183	Bootloader for softdevice v7	other
A184	Virtual id for v1 legacy dongle	other
A185	Peak Power Pack 12V 20Ah	other
A186	Peak Power Pack 12V 30Ah	other
A187	Peak Power Pack 12V 40Ah	other
A188	VE.Direct Bluetooth Smart Dongle (Rev2)	other
A189	VE.Direct Bluetooth Smart Dongle (Rev3)	other
A190	SmartSolar Bluetooth Interface	other
A191	SmartSolar Bluetooth Interface (Rev2)	other
A192	BMV-7xx Smart Bluetooth Interface	battery_monitor
A193	Lynx Ion BMS Bluetooth Interface	other
A194	Phoenix Inverter Smart Bluetooth Interface	inverter
A195	VE.Can SmartSolar Bluetooth Interface	other
A196	SmartShunt Bluetooth Interface	battery_monitor
A197	SmartSolar Bluetooth Interface (Rev3)	other
A198	BMV-7xx Smart Bluetooth Interface (Rev2)	battery_monitor
A199	Lynx Ion BMS Bluetooth Interface (Rev2)	other
A19A	Phoenix Inverter Smart Bluetooth Interface (Rev2)	inverter
A19B	VE.Can SmartSolar Bluetooth Interface (Rev2)	other
A19C	SmartShunt Bluetooth Interface (Rev2)	battery_monitor
A19D	SmartShunt Bluetooth Interface (Rev2)	battery_monitor
A19E	Sun Inverter Bluetooth Interface	inverter
A19F	All-In-1 Bluetooth Interface	other
A1B0	Smart Energy Meter	other
A1B1	VE.Can Energy Meter	other
A200	Phoenix Inverter	inverter
A201	Phoenix Inverter 12V 250VA 230V	inverter
A202	Phoenix Inverter 24V 250VA 230V	inverter
A204	Phoenix Inverter 48V 250VA 230V	inverter
A211	Phoenix Inverter 12V 375VA 230V	inverter
A212	Phoenix Inverter 24V 375VA 230V	inverter
A214	Phoenix Inverter 48V 375VA 230V	inverter
A221	Phoenix Inverter 12V 500VA 230V	inverter
A222	Phoenix Inverter 24V 500VA 230V	inverter
A224	Phoenix Inverter 48V 500VA 230V	inverter
A231	Phoenix Inverter 12V 250VA 230V	inverter
A232	Phoenix Inverter 24V 250VA 230V	inverter
A234	Phoenix Inverter 48V 250VA 230V	inverter
A235	Phoenix Sun Inverter 12V 250VA 230V	inverter
A236	Phoenix Sun Inverter 24V 250VA 230V	inverter
A237	Phoenix Sun Inverter 48V 250VA 230V	inverter
A239	Phoenix Inverter 12V 250VA 120V	inverter
A23A	Phoenix Inverter 24V 250VA 120V	inverter
A23C	Phoenix Inverter 48V 250VA 120V	inverter
A241	Phoenix Inverter 12V 375VA 230V	inverter
A242	Phoenix Inverter 24V 375VA 230V	inverter
A244	Phoenix Inverter 48V 375VA 230V	inverter
A249	Phoenix Inverter 12V 375VA 120V	inverter
A24A	Phoenix Inverter 24V 375VA 120V	inverter
A24C	Phoenix Inverter 48V 375VA 120V	inverter
A251	Phoenix Inverter 12V 500VA 230V	inverter
A252	Phoenix Inverter 24V 500VA 230V	inverter
A254	Phoenix Inverter 48V 500VA 230V	inverter
A259	Phoenix Inverter 12V 500VA 120V	inverter
A25A	Phoenix Inverter 24V 500VA 120V	inverter
A25C	Phoenix Inverter 48V 500VA 120V	inverter
A261	Phoenix Inverter 12V 800VA 230V	inverter
A262	Phoenix Inverter 24V 800VA 230V	inverter
A264	Phoenix Inverter 48V 800VA 230V	inverter
A269	Phoenix Inverter 12V 800VA 120V	inverter
A26A	Phoenix Inverter 24V 800VA 120V	inverter
A26C	Phoenix Inverter 48V 800VA 120V	inverter
A271	Phoenix Inverter 12V 1200VA 230V	inverter
A272	Phoenix Inverter 24V 1200VA 230V	inverter
A274	Phoenix Inverter 48V 1200VA 230V	inverter
A279	Phoenix Inverter 12V 1200VA 120V	inverter
A27A	Phoenix Inverter 24V 1200VA 120V	inverter
A27C	Phoenix Inverter 48V 1200VA 120V	inverter
A281	Phoenix Inverter 12V 1600VA 230V	inverter
A282	Phoenix Inverter 24V 1600VA 230V	inverter
A284	Phoenix Inverter 48V 1600VA 230V	inverter
A289	Smart Phoenix Inverter 12V 2000VA 120V	inverter
A28A	Smart Phoenix Inverter 24V 2000VA 120V	inverter
A28C	Smart Phoenix Inverter 48V 2000VA 120V	inverter
A291	Phoenix Inverter 12V 2000VA 230V	inverter
A292	Phoenix Inverter 24V 2000VA 230V	inverter
A294	Phoenix Inverter 48V 2000VA 230V	inverter
A299	Smart Phoenix Inverter 12V 2000VA 120V	inverter
A29A	Smart Phoenix Inverter 24V 2000VA 120V	inverter
A29C	Smart Phoenix Inverter 48V 2000VA 120V	inverter
A2A1	Phoenix Inverter 12V 3000VA 230V	inverter
A2A2	Phoenix Inverter 24V 3000VA 230V	inverter
A2A4	Phoenix Inverter 48V 3000VA 230V	inverter
A2A9	Smart Phoenix Inverter 12V 3000VA 120V	inverter
A2AA	Smart Phoenix Inverter 24V 3000VA 120V	inverter
A2AC	Smart Phoenix Inverter 48V 3000VA 120V	inverter
A2B1	Phoenix Inverter Smart 12V 5000VA 230Vac 64k	inverter
A2B2	Smart Phoenix Inverter 24V 5000VA 230V	inverter
A2B4	Smart Phoenix Inverter 48V 5000VA 230V	inverter
A2BA	Smart Phoenix Inverter 24V 5000VA 120V	inverter
A2BC	Smart Phoenix Inverter 48V 5000VA 120V	inverter
A2E1	Phoenix Inverter 12V 800VA 230V	inverter
A2E2	Phoenix Inverter 24V 800VA 230V	inverter
A2E4	Phoenix Inverter 48V 800VA 230V	inverter
A2E9	Phoenix Inverter 12V 800VA 120V	inverter
A2EA	Phoenix Inverter 24V 800VA 120V	inverter
A2EC	Phoenix Inverter 48V 800VA 120V	inverter
A2F1	Phoenix Inverter 12V 1200VA 230V	inverter
A2F2	Phoenix Inverter 24V 1200VA 230V	inverter
A2F4	Phoenix Inverter 48V 1200VA 230V	inverter
A2F9	Phoenix Inverter 12V 1200VA 120V	inverter
A2FA	Phoenix Inverter 24V 1200VA 120V	inverter
A2FC	Phoenix Inverter 48V 1200VA 120V	inverter
A300	Blue Smart Charger - Generic	ac_charger
A301	Blue Smart IP65 Charger 12/10	ac_charger
A302	Blue Smart IP65 Charger 12/15	ac_charger
A303	Blue Smart IP65 Charger 24/8	ac_charger
A304	Blue Smart IP65 Charger 12/5	ac_charger
A305	Blue Smart IP65 Charger 12/7	ac_charger
A306	Blue Smart IP65 Charger 24/5	ac_charger
A307	Blue Smart IP65 Charger 12/4	ac_charger
A308	Blue Smart IP65s Charger 12/4	ac_charger
A309	Blue Smart IP65s Charger 12/5	ac_charger
A30A	Blue Smart IP65 Charger 12/25	ac_charger
A30B	Blue Smart IP65 Charger 24/13	ac_charger
A30C	Blue Smart IP65 Charger 6V/12V-1.1A	ac_charger
A30D	Blue Smart IP65s Charger 12/4	ac_charger
A30E	Blue Smart IP65s Charger 12/5	ac_charger
A30F	Blue Smart IP65 Charger 12/7	ac_charger
A310	Blue Smart IP67 Charger 12/7	ac_charger
A311	Blue Smart IP67 Charger 12/13	ac_charger
A312	Blue Smart IP67 Charger 24/5	ac_charger
A313	Blue Smart IP67 Charger 12/17	ac_charger
A314	Blue Smart IP67 Charger 12/25	ac_charger
A315	Blue Smart IP67 Charger 24/8	ac_charger
A316	Blue Smart IP67 Charger 24/12	ac_charger
A317	Blue Smart IP67 Charger 12/7	ac_charger
A318	Blue Smart IP67 Charger 12/13	ac_charger
A319	Blue Smart IP67 Charger 24/5	ac_charger
A31A	Blue Smart IP67 Charger 12/17	ac_charger
A31B	Blue Smart IP67 Charger 12/25	ac_charger
A31C	Blue Smart IP67 Charger 24/8	ac_charger
A31D	Blue Smart IP67 Charger 24/12	ac_charger
A320	Blue Smart IP22 Charger 12/15 (1)	ac_charger
A321	Blue Smart IP22 Charger 12/15 (3)	ac_charger
A322	Blue Smart IP22 Charger 12/20 (1)	ac_charger
A323	Blue Smart IP22 Charger 12/20 (3)	ac_charger
A324	Blue Smart IP22 Charger 12/30 (1)	ac_charger
A325	Blue Smart IP22 Charger 12/30 (3)	ac_charger
A326	Blue Smart IP22 Charger 24/8 (1)	ac_charger
A327	Blue Smart IP22 Charger 24/8 (3)	ac_charger
A328	Blue Smart IP22 Charger 24/12 (1)	ac_charger
A329	Blue Smart IP22 Charger 24/12 (3)	ac_charger
A32A	Blue Smart IP22 Charger 24/16 (1)	ac_charger
A32B	Blue Smart IP22 Charger 24/16 (3)	ac_charger
A32C	Blue Smart IP22 Charger 12/15 (1)	ac_charger
A32D	Blue Smart IP22 Charger 12/15 (3)	ac_charger
A32E	Blue Smart IP22 Charger 12/20 (1)	ac_charger
A32F	Blue Smart IP22 Charger 12/20 (3)	ac_charger
A330	Blue Smart IP22 Charger 12/30 (1)	ac_charger
A331	Blue Smart IP22 Charger 12/30 (3)	ac_charger
A332	Blue Smart IP22 Charger 24/8 (1)	ac_charger
A333	Blue Smart IP22 Charger 24/8 (3)	ac_charger
A334	Blue Smart IP22 Charger 24/12 (1)	ac_charger
A335	Blue Smart IP22 Charger 24/12 (3)	ac_charger
A336	Blue Smart IP22 Charger 24/16 (1)	ac_charger
A337	Blue Smart IP22 Charger 24/16 (3)	ac_charger
A338	Blue Smart IP65 Charger 12/10	ac_charger
A339	Blue Smart IP65 Charger 12/15	ac_charger
A33A	Blue Smart IP65 Charger 24/5	ac_charger
A33B	Blue Smart IP65 Charger 24/8	ac_charger
A33C	Blue Smart IP65 Charger 12/5	ac_charger
A340	Phoenix Smart IP43 Charger 12/50 (1+1)	ac_charger
A341	Phoenix Smart IP43 Charger 12/50 (3)	ac_charger
A342	Phoenix Smart IP43 Charger 24/25 (1+1)	ac_charger
A343	Phoenix Smart IP43 Charger 24/25 (3)	ac_charger
A344	Phoenix Smart IP43 Charger 12/30 (1+1)	ac_charger
A345	Phoenix Smart IP43 Charger 12/30 (3)	ac_charger
A346	Phoenix Smart IP43 Charger 24/16 (1+1)	ac_charger
A347	Phoenix Smart IP43 Charger 24/16 (3)	ac_charger
A350	Phoenix Smart IP43 Charger 12/50 (1+1) 120-240V	ac_charger
A351	Phoenix Smart IP43 Charger 12/50 (3) 120-240V	ac_charger
A352	Phoenix Smart IP43 Charger 24/25 (1+1) 120-240V	ac_charger
A353	Phoenix Smart IP43 Charger 24/25 (3) 120-240V	ac_charger
A354	Phoenix Smart IP43 Charger 12/30 (1+1) 120-240V	ac_charger
A355	Phoenix Smart IP43 Charger 12/30 (3) 120-240V	ac_charger
A356	Phoenix Smart IP43 Charger 24/16 (1+1) 120-240V	ac_charger
A357	Phoenix Smart IP43 Charger 24/16 (3) 120-240V	ac_charger
A360	IMPULSE-II 24/6 Smart IP44	ac_charger
A361	IMPULSE-II 24/8 Smart IP44	ac_charger
A362	IMPULSE-II 24/6 Smart IP65	ac_charger
A363	IMPULSE-II 24/8 Smart IP65	ac_charger
A364	IMPULSE-II 24/6 Smart IP44	ac_charger
A365	IMPULSE-II 24/8 Smart IP44	ac_charger
A366	IMPULSE-II 24/12 Smart IP65	ac_charger
A367	IMPULSE-II 24/11 Smart IP44	ac_charger
A368	IMPULSE-II 24/8 Smart IP44	ac_charger
A369	IMPULSE-II 24/6 Smart IP44	ac_charger
A36A	IMPULSE-II 24/8 Smart IP65	ac_charger
A36B	IMPULSE-II 24/6 Smart IP65	ac_charger
A37D	Vector 12/20 Smart	other
A37E	IMPULSE-II L 12/20 Smart	other
A37F	IMPULSE-II L 12/20 Smart	other
A380	BMV-710 Smart	battery_monitor
A381	BMV-712 Smart	battery_monitor
A382	BMV-710H Smart	battery_monitor
A383	BMV-712 Smart Rev2	battery_monitor
A389	SmartShunt 500A/50mV	battery_monitor
A38A	SmartShunt 1000A/50mV	battery_monitor
A38B	SmartShunt 2000A/50mV	battery_monitor
A38C	SmartShunt IP67 500A/50mV	battery_monitor
A38D	SmartShunt IP67 1000A/50mV	battery_monitor
A38E	SmartShunt IP67 2000A/50mV	battery_monitor
A390	Lynx Ion BMS General	other
A391	Lynx Ion BMS 150A	other
A392	Lynx Ion BMS 400A	other
A393	Lynx Ion BMS 600A	other
A394	Lynx Ion BMS 1000A	other
A3A0	VE.Bus smart dongle	other
A3A4	Smart Battery Sense	other
A3A5	Smart Battery Sense (Rev2)	other
A3B0	Smart BatteryProtect 12/24V-65A	battery_protect
A3B1	Smart BatteryProtect 12/24V-100A	battery_protect
A3B2	Smart BatteryProtect 12/24V-220A	battery_protect
A3B3	Smart BatteryProtect 48V-100A	battery_protect
A3C0	Orion Smart 12V/12V-18A DC-DC Converter	dcdc
A3C1	Orion Smart 12V/24V-10A DC-DC Converter	dcdc
A3C2	Orion Smart 24V/12V-20A DC-DC Converter	dcdc
A3C3	Orion Smart 24V/24V-12A DC-DC Converter	dcdc
A3C4	Orion Smart 24V/48V-6A DC-DC Converter	dcdc
A3C5	Orion Smart 48V/12V-20A DC-DC Converter	dcdc
A3C6	Orion Smart 48V/24V-12A DC-DC Converter	dcdc
A3C7	Orion Smart 48V/48V-6A DC-DC Converter	dcdc
A3C8	Orion Smart 12V/12V-30A DC-DC Converter	dcdc
A3C9	Orion Smart 12V/24V-15A DC-DC Converter	dcdc
A3CA	Orion Smart 24V/12V-30A DC-DC Converter	dcdc
A3CB	Orion Smart 24V/24V-17A DC-DC Converter	dcdc
A3CC	Orion Smart 24V/48V-8.5A DC-DC Converter	dcdc
A3CD	Orion Smart 48V/12V-30A DC-DC Converter	dcdc
A3CE	Orion Smart 48V/24V-16A DC-DC Converter	dcdc
A3CF	Orion Smart 48V/48V-8A DC-DC Converter	dcdc
A3D0	Orion Smart 12V/12V-30A Buck-Boost Converter	dcdc
A3D1	Orion Smart 12V/24V-15A Buck-Boost Converter	dcdc
A3D2	Orion Smart Orion 24V/12V-30A Buck-Boost Converter	dcdc
A3D3	Orion Smart Orion 24V/24V-17A Buck-Boost Converter	dcdc
A3E0	Smart BMS CL 12-100	other
A3E5	Lynx Smart BMS 500	other
A3E6	Lynx Smart BMS 1000	other
A3E8	Smart BMS 12-200	other
A3EC	smallBMS	other
A3F0	Orion XS 12V/12V-50A	dcdc
A3F1	Orion XS 1400	dcdc
A3F2	Orion XS 12V/12V-70A	dcdc
A400	MultiC - Generic	inverter_charger
A401	Inverter RS Solar 48V/6000VA/80A	inverter
A402	Inverter RS 48V/6000VA	inverter
A441	Multi RS Solar 48V/6000VA/100A	inverter_charger
A442	Multi RS Solar 48V/6000VA/100A	inverter_charger
A443	Multi RS Solar 48V/6000VA/100A	inverter_charger
A444	Multi RS Solar 48V/6000VA/100A	inverter_charger
A480	Multi 15kVA 3phase	inverter_charger
A4C0	Transfer Switch - Generic id	other
A4C1	Transfer Switch 3 Phase 2 in 1 out 80A	other
A501	MultiPlus-X Smart 12V/3000VA/120A	inverter_charger
B000	Valence XP Battery	other
B001	Valence BMS	other
B002	Carlo Gavazzi EM24 Energy Meter	other
B003	Redflow ZBM 2 Battery	other
B004	LG resu battery	other
B005	BMZ battery	other
B006	Carlo Gavazzi virtual PV Inverter (on EM24)	inverter
B007	CAN-bus BMS battery	other
B008	Murata battery	other
B009	Pylontech battery	other
B00A	BYD B-Box Pro battery	other
B00B	PureDrive battery	other
B00C	Carlo Gavazzi ET 112 Energy Meter	other
B00D	Carlo Gavazzi ET 340 Energy Meter	other
B00E	ZCell BMS	other
B00F	Energy Tube EMSC2 battery	other
B010	Mercedes Benz Energy battery	other
B011	Carlo Gavazzi virtual PV Inverter (on ET340)	inverter
B012	FIAMM SoNick 48TL battery	other
B013	SSS DC Energy Meter/Switch	other
B014	Freedom WON battery	other
B015	BYD B-Box L battery	other
B016	Discover AES battery	other
B017	Carlo Gavazzi EM24 Ethernet Energy Meter	other
B018	Smappee Power Box	other
B019	BYD Premium LV battery	other
B020	BlueNova battery	other
B021	BSLBATT battery	other
B022	REC-BMS battery	other
B023	Eastron SDM630 Energy Meter	other
B024	Freedom WON eTower battery	other
B025	Dyness battery	other
B026	Carlo Gavazzi EM540 Energy Meter	other
B027	Carlo Gavazzi virtual PV Inverter (on EM540)	inverter
B028	Cegasa battery	other
B029	Pylontech Pelio-L battery	other
B030	IMT Si-RS485 Series Solar Irradiance Sensor	other
B031	Carlo Gavazzi EM300 Spec 27 Energy Meter	other
B032	Carlo Gavazzi virtual PV Inverter (on EM300 Spec 27)	inverter
B033	ABB B-Series Energy Meter	other
B034	Shelly EM/3EM Energy Meter	other
B040	Fischer Panda Genset	other
B041	WATT Imperium Fuel Cell 3.0	other
B042	Bornay Windplus	other
B043	WATT Imperium Fuel Cell 4.0	other
B050	123 SmartBMS	other
B051	Hubble battery	other
B060	Oceanvolt Display 2	other
B061	Oceanvolt ServoProp	other
B070	Volturnus Wind Turbine Voltage Limiter	other
B071	EConnect Distribution Box	other
B080	Wakespeed WS500 Alternator Regulator	other
B081	Wakespeed WS3000 DCDC EMS	other
B0C0	MG BMS 24-96V General	other
B0C1	MG BMS 24-48V/150A	other
B0C2	MG BMS 24-48V/400A	other
B0C3	MG BMS 24-48V/600A	other
B0C4	MG BMS 24-48V/1000A	other
B0C5	MG BMS 72V/400A	other
B0C6	MG BMS 96V/600A	other
B0C7	MG BMS 72-96V/500A	other
B0D0	MG BMS 12V General	other
B0D1	MG BMS 12V/150	other
B0D2	MG BMS 12V/400A	other
B0D3	MG BMS 12V/600A	other
B0D4	MG BMS 12V/1000A	other
B0D8	MG BMS 48-900V General	other
B0D9	MG BMS 48-900V/300A	other
B0DA	MG BMS 48-900V/500A	other
B0E0	MG SmartLink MX	other
B0E1	MG SmartLink Connect	other
B0E2	MG SmartLink PLC	other
C000	VGR, VGR2 or VER	other
C001	Color Control	other
C002	Venus GX	other
C003	Generic Venus Device	other
C004	VE.Direct LoRaWAN	other
C005	VE.Direct LoRaWAN Smart	other
C006	Octo GX	other
C007	EasySolar-II	inverter_charger
C008	MultiPlus-II	inverter_charger
C009	Maxi GX	other
C00A	Cerbo GX	other
C00B	EasySolar-II	inverter_charger
C00C	MultiPlus-II	inverter_charger
C00D	Maxi GX	other
C00E	EasySolar-II	inverter_charger
C00F	MultiPlus-II	inverter_charger
C010	Maxi GX	other
C011	SHS400	other
C012	Cerbo GX	other
C013	Ekrano GX	other
C014	Cerbo-S GX	other
C020	VE.Direct LoRaWAN	other
C021	Global Link 520	other
C024	EV Charge Station 32A	other
C025	EV Charge Station 32A	other
C026	EV Charge Station 32A NS	other
C028	GX Tank 140	other
C029	RuuviTag	other
C02A	Mopeka sensor	other
C030	SmartShunt IP65 500A/50mV	battery_monitor
C031	SmartShunt IP65 1000A/50mV	battery_monitor
C032	SmartShunt IP65 2000A/50mV	battery_monitor
C033	All-In-1 Smart	other
C034	BMV-800 Smart	battery_monitor
C035	SmartShunt IP65 500A/50mV	battery_monitor
C036	SmartShunt IP65 1000A/50mV	battery_monitor
C037	SmartShunt IP65 2000A/50mV	battery_monitor
C038	SmartShunt 300A/50mV	battery_monitor
"""#
