// What the page says, in English and German, and how it writes numbers and times.
const wanted = new URLSearchParams(location.search).get('lang') || navigator.language || 'en';
export const language = wanted.toLowerCase().startsWith('de') ? 'de' : 'en';
export const locale = (() => { try { return new Intl.Locale(wanted).toString(); } catch { return 'en'; } })();

const en = {
  now: 'Now', days: 'Days', health: 'Health', views: 'Views', skip: 'Skip to content',
  live: 'live', connecting: 'connecting …', lost: 'no connection to vebridge', lostLong: 'No connection to vebridge since {0}. What is shown is what was last known; it comes back by itself.',
  silentBridge: 'vebridge does not answer at the moment.',
  panels: 'Panels', battery: 'Battery', batteryAndLoads: 'Battery and loads', needsMonitor: 'What goes into the battery and what the loads take is known with a battery monitor only.', chargerOutput: 'charger output', soFar: '(so far)', totalSoFar: 'Sum, today so far', averageWhole: 'Average, without today', moreThan: 'more than {0}', loads: 'Loads', otherSource: 'Other source', inverter: 'Inverter', chargers: 'Chargers',
  today: 'today', yieldToday: 'Yield today', yieldYesterday: 'Yield yesterday', yieldTotal: 'Yield in all', share: 'Share', power: 'Power', voltage: 'Voltage', current: 'Current', soc: 'State of charge', timeToGo: 'Time to go', consumed: 'Taken out', panelVoltage: 'Panel voltage', chargeCurrent: 'Charge current', batteryVoltage: 'Battery voltage', loadCurrent: 'Load output', temperature: 'Temperature', maxPower: 'Peak today', state: 'State', output: 'Output', error: 'Error', port: 'Port', tracker: 'Tracker',
  charging: 'charging', discharging: 'discharging', idle: 'at rest', nValues: '{0} values', chargeFrom: 'Current of the chargers; other loads are not in it',
  ago: '{0} ago', noAnswer: 'does not answer', dark: 'panels dark', lastHeard: 'last heard {0} ago',
  night: 'It is night: the panels are dark. Chargers are asked less often, so values may be older.',
  noDevice: 'No device has answered yet.', noDeviceHelp: 'vebridge is running and looks for chargers. What it sees on each port:', noPort: 'There is no port to look at. Plug in a VE.Direct cable, or name the port: vebridge --ports /dev/ttyUSB0', seeHealth: 'See Health',
  brokerDown: 'The MQTT broker is not connected: nothing is published. Values are kept and sent when it is back.', brokersDown: '{0} of {1} brokers are not connected.', portTrouble: '{0} of {1} ports cannot be read.', chargerError: '{0}: {1}',
  flowLabel: 'Flows: panels {0}, battery {1}, loads {2}', flowLabelAlone: 'Flows: panels {0}, battery and loads together {1}',
  previous: 'Day before', next: 'Day after', day: 'Day', todayButton: 'Today', print: 'Print report', show: 'Show', lastDays: '{0} days', report: 'Day report', asTable: 'As a table', noHistory: 'No history is kept. Set bridge.state_directory in the configuration, and days will be shown here.', noHistoryYet: 'There is nothing in the history yet. The first figures come after some minutes.', historyTrouble: 'The history cannot be read at the moment.',
  yieldByDay: 'Yield by day', powerOverDay: 'Power over the day', batteryOverDay: 'Battery: voltage and current', compare: 'Chargers compared', compareHint: 'Each charger’s part of the day’s yield', nothingKnown: 'Nothing is known of this day.', figuresOf: 'Figures', plant: 'Plant', total: 'Sum', best: 'Best day', average: 'Average', noFindings: 'No charger falls behind the others.', hint: 'Touch or use the arrow keys for values.', since: 'since {0}', until: '{0} to {1}',
  f_loss: '{0} gives {1} less {2} ({3} certain).', f_failed_string: '{0} gives {1} less {2}, as if a string had failed ({3} certain).', f_covered: '{0} gives {1} less {2}, as if covered by snow or leaves ({3} certain).', f_shade: '{0} gives up to {1} less {2}, as in the shade of a season ({3} certain).', f_degradation: '{0} loses {1} a year ({3} certain).',
  w_yield: 'On {0} the panels gave {1}.', w_yieldToday: 'Today the panels have given {0} so far.', w_best: 'The peak (1 min average) was {0} at {1}.', w_time: 'They worked from {0} to {1}.', w_timeOpen: 'They have worked since {0}.', w_float: 'The first charger reached float at {0}.', w_battery: 'The battery was between {0} and {1}.', w_batteryAt: 'The battery was at {0}.', w_socAt: 'Its charge was {0}.', w_soc: 'Its charge was between {0} and {1}.', w_consumption: 'The loads took {0}, covered to {1} by the sun.', w_source: 'Part of it is from the chargers’ own records, for the time when vebridge did not run.',
  started: 'Running since', cpu: 'Processor time', memory: 'Memory', version: 'Version', host: 'Machine', history: 'History', size: 'Size', lastWrite: 'Last written', dropped: 'Given up', bridge: 'vebridge', connections: 'Connections', brokers: 'Brokers', ports: 'Ports', canLinks: 'MasterBus', log: 'Log', level: 'From', connected: 'connected', notConnected: 'not connected', published: 'Published', acknowledged: 'Acknowledged', waiting: 'Waiting', latency: 'Latency', connects: 'Connections',
  device: 'Device', usb: 'USB', speed: 'Readings a second', turnaround: 'Turn-around (median / 99 %)', frames: 'Frames', rejected: 'Rejected since the start', noise: 'Rejected in the last hour, minute by minute: {0}', noNoise: 'Nothing was rejected in the last hour.', confirmations: 'Readings confirmed', unconfirmed: 'Readings dropped', retries: 'Repeats', timeouts: 'Without answer', reopens: 'Opened again', lastTrouble: 'Last trouble', openFor: 'Open for', lastByte: 'Last byte', none: 'none', requests: 'Requests', values: 'Values', devices: 'Devices', errors: 'Errors', open: 'open', closed: 'closed', awake: 'answers', asleep: 'silent', noLog: 'No records of this level.', advice: 'What helps', time: 'Time', message: 'Message', levels: { info: 'everything', notice: 'notices', warning: 'warnings', error: 'errors' },
  per: '{0} of {1}',
};

const de = {
  now: 'Jetzt', days: 'Tage', health: 'Zustand', views: 'Ansichten', skip: 'Zum Inhalt',
  live: 'live', connecting: 'verbinde …', lost: 'keine Verbindung zu vebridge', lostLong: 'Seit {0} keine Verbindung zu vebridge. Gezeigt wird, was zuletzt bekannt war; es kommt von selbst wieder.',
  silentBridge: 'vebridge antwortet im Moment nicht.',
  panels: 'Module', battery: 'Batterie', batteryAndLoads: 'Batterie und Verbraucher', needsMonitor: 'Was in die Batterie geht und was die Verbraucher nehmen, ist nur mit einem Batteriemonitor bekannt.', chargerOutput: 'Reglerausgang', soFar: '(bisher)', totalSoFar: 'Summe, heute bisher', averageWhole: 'Mittel, ohne heute', moreThan: 'mehr als {0}', loads: 'Verbraucher', otherSource: 'Andere Quelle', inverter: 'Wechselrichter', chargers: 'Laderegler',
  today: 'heute', yieldToday: 'Ertrag heute', yieldYesterday: 'Ertrag gestern', yieldTotal: 'Ertrag insgesamt', share: 'Anteil', power: 'Leistung', voltage: 'Spannung', current: 'Strom', soc: 'Ladestand', timeToGo: 'Restlaufzeit', consumed: 'Entnommen', panelVoltage: 'Modulspannung', chargeCurrent: 'Ladestrom', batteryVoltage: 'Batteriespannung', loadCurrent: 'Lastausgang', temperature: 'Temperatur', maxPower: 'Spitze heute', state: 'Zustand', output: 'Ausgang', error: 'Fehler', port: 'Anschluss', tracker: 'Tracker',
  charging: 'lädt', discharging: 'entlädt', idle: 'in Ruhe', nValues: '{0} Werte', chargeFrom: 'Strom der Laderegler, ohne andere Verbraucher',
  ago: 'vor {0}', noAnswer: 'antwortet nicht', dark: 'Module dunkel', lastHeard: 'zuletzt gehört vor {0}',
  night: 'Es ist Nacht: die Module sind dunkel. Die Laderegler werden seltener gefragt, Werte dürfen älter sein.',
  noDevice: 'Noch hat kein Gerät geantwortet.', noDeviceHelp: 'vebridge läuft und sucht Laderegler. Was es an jedem Anschluss sieht:', noPort: 'Es gibt keinen Anschluss. Ein VE.Direct-Kabel einstecken oder den Anschluss nennen: vebridge --ports /dev/ttyUSB0', seeHealth: 'Zum Zustand',
  brokerDown: 'Der MQTT-Broker ist nicht verbunden: nichts wird veröffentlicht. Werte werden aufgehoben und danach gesendet.', brokersDown: '{0} von {1} Brokern sind nicht verbunden.', portTrouble: '{0} von {1} Anschlüssen sind nicht lesbar.', chargerError: '{0}: {1}',
  flowLabel: 'Flüsse: Module {0}, Batterie {1}, Verbraucher {2}', flowLabelAlone: 'Flüsse: Module {0}, Batterie und Verbraucher zusammen {1}',
  previous: 'Tag davor', next: 'Tag danach', day: 'Tag', todayButton: 'Heute', print: 'Bericht drucken', show: 'Zeige', lastDays: '{0} Tage', report: 'Tagesbericht', asTable: 'Als Tabelle', noHistory: 'Es wird keine Geschichte aufgezeichnet. Mit bridge.state_directory in der Konfiguration stehen hier die Tage.', noHistoryYet: 'Noch ist nichts aufgezeichnet. Die ersten Zahlen kommen nach einigen Minuten.', historyTrouble: 'Die Aufzeichnung ist im Moment nicht lesbar.',
  yieldByDay: 'Ertrag nach Tagen', powerOverDay: 'Leistung über den Tag', batteryOverDay: 'Batterie: Spannung und Strom', compare: 'Laderegler im Vergleich', compareHint: 'Anteil jedes Reglers am Ertrag des Tages', nothingKnown: 'Von diesem Tag ist nichts bekannt.', figuresOf: 'Zahlen', plant: 'Anlage', total: 'Summe', best: 'Bester Tag', average: 'Mittel', noFindings: 'Kein Laderegler bleibt hinter den anderen zurück.', hint: 'Berühren oder Pfeiltasten zeigen Werte.', since: 'seit {0}', until: '{0} bis {1}',
  f_loss: '{0} liefert {2} {1} weniger (zu {3} sicher).', f_failed_string: '{0} liefert {2} {1} weniger, als wäre ein Strang ausgefallen (zu {3} sicher).', f_covered: '{0} liefert {2} {1} weniger, als läge Schnee oder Laub darauf (zu {3} sicher).', f_shade: '{0} liefert {2} bis zu {1} weniger, wie im Schatten einer Jahreszeit (zu {3} sicher).', f_degradation: '{0} verliert {1} im Jahr (zu {3} sicher).',
  w_yield: 'Am {0} lieferten die Module {1}.', w_yieldToday: 'Heute lieferten die Module bisher {0}.', w_best: 'Die Spitze (1-min-Mittel) lag bei {0} um {1}.', w_time: 'Sie arbeiteten von {0} bis {1}.', w_timeOpen: 'Sie arbeiten seit {0}.', w_float: 'Der erste Regler ging um {0} in die Erhaltungsladung.', w_battery: 'Die Batterie lag zwischen {0} und {1}.', w_batteryAt: 'Die Batterie lag bei {0}.', w_socAt: 'Ihr Ladestand war {0}.', w_soc: 'Ihr Ladestand lag zwischen {0} und {1}.', w_consumption: 'Die Verbraucher nahmen {0}, zu {1} von der Sonne gedeckt.', w_source: 'Ein Teil stammt aus den Aufzeichnungen der Regler, für die Zeit ohne vebridge.',
  started: 'Läuft seit', cpu: 'Prozessorzeit', memory: 'Speicher', version: 'Version', host: 'Rechner', history: 'Aufzeichnung', size: 'Größe', lastWrite: 'Zuletzt geschrieben', dropped: 'Aufgegeben', bridge: 'vebridge', connections: 'Verbindungen', brokers: 'Broker', ports: 'Anschlüsse', canLinks: 'MasterBus', log: 'Protokoll', level: 'Ab', connected: 'verbunden', notConnected: 'nicht verbunden', published: 'Veröffentlicht', acknowledged: 'Bestätigt', waiting: 'Wartend', latency: 'Verzögerung', connects: 'Verbindungen',
  device: 'Gerät', usb: 'USB', speed: 'Messwerte je Sekunde', turnaround: 'Antwortzeit (Median / 99 %)', frames: 'Rahmen', rejected: 'Verworfen seit dem Start', noise: 'In der letzten Stunde verworfen, Minute für Minute: {0}', noNoise: 'In der letzten Stunde wurde nichts verworfen.', confirmations: 'Bestätigte Werte', unconfirmed: 'Verworfene Werte', retries: 'Wiederholungen', timeouts: 'Ohne Antwort', reopens: 'Neu geöffnet', lastTrouble: 'Letzte Störung', openFor: 'Offen seit', lastByte: 'Letztes Byte', none: 'keine', requests: 'Anfragen', values: 'Werte', devices: 'Geräte', errors: 'Fehler', open: 'offen', closed: 'geschlossen', awake: 'antwortet', asleep: 'still', noLog: 'Keine Einträge dieser Stufe.', advice: 'Was hilft', time: 'Zeit', message: 'Meldung', levels: { info: 'allem', notice: 'Hinweisen', warning: 'Warnungen', error: 'Fehlern' },
  per: '{0} von {1}',
};

const chargeStates = {
  de: { 0: 'aus', 1: 'schwach', 2: 'Störung', 3: 'Hauptladung', 4: 'Absorption', 5: 'Erhaltung', 6: 'Lagerung', 7: 'Ausgleich', 245: 'startet', 246: 'erneute Absorption', 247: 'Ausgleich', 248: 'batterieschonend', 250: 'gesperrt', 252: 'ferngesteuert' },
};
const portStates = {
  en: { listening: 'listening', identifying: 'asking who is there', polling: 'reads', verifying: 'checking again', text_only: 'TEXT only', echo_only: 'only echo', hex_only: 'HEX, no answer', silent: 'silent', absent: 'not there', no_permission: 'no permission', in_use: 'in use', not_serial: 'not a serial port', unusable: 'unusable', hung_up: 'hung up', io_error: 'input/output error', device_gone: 'adapter gone', garbage: 'not VE.Direct', flooded: 'flooded', output_blocked: 'takes no output' },
  de: { listening: 'hört', identifying: 'fragt, wer da ist', polling: 'liest', verifying: 'prüft nach', text_only: 'nur TEXT', echo_only: 'nur Echo', hex_only: 'HEX, keine Antwort', silent: 'still', absent: 'nicht da', no_permission: 'keine Berechtigung', in_use: 'belegt', not_serial: 'kein serieller Anschluss', unusable: 'unbrauchbar', hung_up: 'aufgelegt', io_error: 'Ein-/Ausgabefehler', device_gone: 'Adapter weg', garbage: 'kein VE.Direct', flooded: 'überflutet', output_blocked: 'nimmt nichts an' },
};
const advice = { de: {
  text_only: 'Es kommt TEXT, aber keine HEX-Antwort: die TX-Leitung prüfen.', hex_only: 'Das Gerät sendet VE.Direct, kann aber nicht lesen, was wir senden: die TX-Leitung des Kabels prüfen.', echo_only: 'Es kommt nur das eigene Echo: RX und TX berühren sich, oder hinter dem Adapter ist kein Laderegler.', silent: 'Keine Antwort: Kabel prüfen, und ob der Laderegler Strom hat.', absent: 'Den Anschluss gibt es nicht: das Kabel prüfen.', no_permission: 'Den Benutzer in die Gruppe des Anschlusses aufnehmen (oft dialout).', in_use: 'Ein anderes Programm hat ihn: dieses beenden oder ihm einen anderen geben.', not_serial: 'Kein serieller Anschluss: den Namen prüfen.', hung_up: 'Am anderen Ende aufgelegt.', io_error: 'Der Adapter oder sein Kabel versagt.', device_gone: 'Der Adapter ist weg: den Stecker prüfen.', garbage: 'Es kommt nichts, das VE.Direct ist: ein anderes Gerät oder eine andere Geschwindigkeit.', flooded: 'Es kommen mehr Bytes, als die Leitung trägt.', output_blocked: 'Der Adapter hängt: neu einstecken.' } };
const reasons = {
  en: { checksum: 'checksum', malformed: 'malformed', truncated: 'cut off', oversize: 'too long' },
  de: { checksum: 'Prüfsumme', malformed: 'entstellt', truncated: 'abgeschnitten', oversize: 'zu lang' },
};
const figures = {
  en: { yield: 'Yield', share: 'Share', lifetime_yield: 'Yield in all', production_start: 'Production from', production_stop: 'Production to', 'state.bulk': 'Bulk', 'state.absorption': 'Absorption', 'state.float': 'Float', 'state.off': 'Off', 'state.fault': 'Fault', 'panel_power.max': 'Peak', 'panel_voltage.max': 'Highest panel voltage', 'charger_temperature.max': 'Warmest', charge_in: 'Charge in', charge_out: 'Charge out', energy_in: 'Energy in', energy_out: 'Energy out', overnight: 'Overnight', full_at: 'Full at', full_time: 'Time full', negative_day: 'Discharging by day', negative_night: 'Discharging by night', capacity: 'Capacity, estimated', autonomy: 'Lasts without sun', 'battery_voltage.min': 'Lowest voltage', 'battery_voltage.max': 'Highest voltage', 'battery_voltage.mean': 'Mean voltage', 'state_of_charge.min': 'Lowest charge', 'state_of_charge.max': 'Highest charge', consumption: 'Consumption', direct: 'Used at once', other_sources: 'From other sources', self_sufficiency: 'Covered by the sun', met_consumption: 'Sun covered the loads from', float_at: 'First float', maximum_power: 'Peak (1 min average)', maximum_power_at: 'Peak (1 min average) at' },
  de: { yield: 'Ertrag', share: 'Anteil', lifetime_yield: 'Ertrag insgesamt', production_start: 'Erzeugung ab', production_stop: 'Erzeugung bis', 'state.bulk': 'Hauptladung', 'state.absorption': 'Absorption', 'state.float': 'Erhaltung', 'state.off': 'Aus', 'state.fault': 'Störung', 'panel_power.max': 'Spitze', 'panel_voltage.max': 'Höchste Modulspannung', 'charger_temperature.max': 'Am wärmsten', charge_in: 'Ladung hinein', charge_out: 'Ladung heraus', energy_in: 'Energie hinein', energy_out: 'Energie heraus', overnight: 'Über Nacht', full_at: 'Voll um', full_time: 'Zeit voll', negative_day: 'Entladung am Tag', negative_night: 'Entladung nachts', capacity: 'Kapazität, geschätzt', autonomy: 'Reicht ohne Sonne', 'battery_voltage.min': 'Niedrigste Spannung', 'battery_voltage.max': 'Höchste Spannung', 'battery_voltage.mean': 'Mittlere Spannung', 'state_of_charge.min': 'Niedrigster Ladestand', 'state_of_charge.max': 'Höchster Ladestand', consumption: 'Verbrauch', direct: 'Sofort verbraucht', other_sources: 'Aus anderen Quellen', self_sufficiency: 'Von der Sonne gedeckt', met_consumption: 'Sonne deckte Verbrauch ab', float_at: 'Erste Erhaltung', maximum_power: 'Spitze (1-min-Mittel)', maximum_power_at: 'Spitze (1-min-Mittel) um' },
};
const units = { yield: 'kWh', share: '%', lifetime_yield: 'kWh', 'panel_power.max': 'W', 'panel_voltage.max': 'V', 'charger_temperature.max': '°C', charge_in: 'Ah', charge_out: 'Ah', energy_in: 'kWh', energy_out: 'kWh', overnight: 'kWh', capacity: 'Ah', autonomy: 'd', 'battery_voltage.min': 'V', 'battery_voltage.max': 'V', 'battery_voltage.mean': 'V', 'state_of_charge.min': '%', 'state_of_charge.max': '%', consumption: 'kWh', direct: 'kWh', other_sources: 'kWh', self_sufficiency: '%', maximum_power: 'W' };
const moments = new Set(['production_start', 'production_stop', 'full_at', 'met_consumption', 'float_at', 'maximum_power_at']);
const spans = new Set(['state.bulk', 'state.absorption', 'state.float', 'state.off', 'state.fault', 'full_time', 'negative_day', 'negative_night']);

const words = language === 'de' ? de : en;

export function t(key, ...values) {
  const text = words[key] ?? en[key] ?? key;
  return typeof text === 'string' ? text.replace(/\{(\d)\}/g, (_, index) => values[index] ?? '') : text;
}

const formats = new Map();
export function number(value, decimals = 0, least = decimals) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const key = `${least}:${decimals}`;
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale, { minimumFractionDigits: least, maximumFractionDigits: decimals }));
  const text = formats.get(key).format(value);
  // No minus before a zero.
  return /[1-9]/.test(text) ? text : text.replace(/^[-−]/, '');
}

/** A number as its unit is usually read. */
const places = { W: 0, V: 2, A: 1, '%': 0, Ah: 1, kWh: 2, '°C': 1, d: 1 };
export const decimals = (unit) => places[unit] ?? 1;
export const quantity = (value, unit) => `${number(value, decimals(unit))}\u00a0${unit}`.trim();

export function bytes(count) {
  if (count === null || count === undefined) return '–';
  const [size, unit] = count >= 1e6 ? [1e6, 'MB'] : [1e3, 'kB'];
  return `${number(count / size, 1)}\u00a0${unit}`;
}

/** A length of time in one or two units. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  const n = (value, unit) => `${number(value)}\u00a0${unit}`;
  const whole = Math.max(0, Math.round(seconds));
  const day = language === 'de' ? 'Tg.' : 'd';
  if (whole < 60) return n(whole, 's');
  if (whole < 3600) return n(Math.floor(whole / 60), 'min');
  if (whole < 86400) return `${n(Math.floor(whole / 3600), 'h')} ${n(Math.floor(whole % 3600 / 60), 'min')}`;
  return `${n(Math.floor(whole / 86400), day)} ${n(Math.floor(whole % 86400 / 3600), 'h')}`;
}

function dated(options, zone) {
  try { return new Intl.DateTimeFormat(locale, { ...options, timeZone: zone || undefined }); } catch { return new Intl.DateTimeFormat(locale, options); }
}
export const clock = (time, zone) => dated({ hour: '2-digit', minute: '2-digit' }, zone).format(time * 1000);
/** For an axis, as short as the language allows. */
export const hour = (time, zone) => (language === 'de' ? clock(time, zone) : dated({ hour: 'numeric' }, zone).format(time * 1000));
export const moment = (time, zone) => dated({ dateStyle: 'medium', timeStyle: 'medium' }, zone).format(time * 1000);
export const dayLong = (day) => dated({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }, 'UTC').format(new Date(`${day}T12:00:00Z`));
export const dayShort = (day) => dated({ day: 'numeric', month: 'numeric' }, 'UTC').format(new Date(`${day}T12:00:00Z`));

export const chargeState = (code, words) => (language === 'de' && chargeStates.de[code]) || words || (code === null ? '–' : String(code));
export const portState = (name) => portStates[language][name] || name;
export const portAdvice = (name, words) => (language === 'de' && advice.de[name]) || words;
export const reason = (name) => reasons[language][name] || name;

/** A figure's name and value for people; nothing where it is not one of those that are shown. */
export function figure(name, value, zone) {
  const label = figures[language][name];
  if (!label) return null;
  if (moments.has(name)) return [label, clock(value, zone)];
  if (spans.has(name)) return [label, span(value)];
  return [label, quantity(value, units[name] || '')];
}
export const figureOrder = Object.keys(figures.en);
