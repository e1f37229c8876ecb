import { s, stackedBars, lines, legend, spark } from '/charts.js';
import { t, number, quantity, decimals, span, bytes, clock, hour, moment, dayLong, dayShort, language, locale, chargeState, portState, portAdvice, reason, figure, figureOrder } from '/words.js';

const $ = (id) => document.getElementById(id);
const state = { now: null, health: null, at: 0, linked: false, since: Date.now(), days: null, day: null, view: '', stream: null, known: new URLSearchParams(location.search) };

// MARK: Elements

function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key === 'cls' ? 'class' : key, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Changes only what is different, so that neither a selection nor a screen reader loses its place. */
function put(element, text) { if (element.textContent !== text) element.textContent = text; }

function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) { old.replaceWith(fresh); return; }
  if (old.nodeType === Node.TEXT_NODE) { if (old.data !== fresh.data) old.data = fresh.data; return; }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !(name === 'open' && old.nodeName === 'DETAILS') && name !== 'style') old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (fresh.dataset && fresh.dataset.width !== undefined) old.style.width = `${fresh.dataset.width}%`;
  const have = [...old.childNodes];
  const want = [...fresh.childNodes];
  want.forEach((child, index) => { if (have[index]) morph(have[index], child); else old.append(child); });
  have.slice(want.length).forEach((child) => child.remove());
}

/** Brings what is shown in line with what is to be shown. */
function show(box, ...children) {
  const fresh = box.cloneNode(false);
  fresh.append(...children.filter(Boolean));
  morph(box, fresh);
  for (const bar of box.querySelectorAll('[data-width]')) bar.style.width = `${bar.dataset.width}%`;
}

// MARK: Values with their age

const elapsed = () => Math.max(0, (performance.now() - state.at) / 1000);
const isOld = (one) => one.stale || elapsed() > 6;
/** What changes once a day is not old because the page has been without a connection for a minute. */
const isOldByDay = (one) => one.stale || elapsed() > 3600;

function value(one, { big = false, scale = 1, unit = null, places = null, daily = false } = {}) {
  if (!one) return h('span', { cls: big ? 'big old' : 'old' }, '–');
  const shown = unit ?? one.unit;
  const text = number(one.value * scale, places ?? decimals(shown));
  const old = daily ? isOldByDay(one) : isOld(one);
  return h('span', { cls: `${big ? 'big' : ''}${old ? ' old' : ''}`.trim() || null }, text, h('span', { cls: 'unit' }, `\u00a0${shown}`.trimEnd()),
    old ? h('span', { cls: 'age' }, t('ago', span(one.age + elapsed()))) : null);
}

function rows(list, wide) {
  const dl = h('dl', { cls: wide ? 'figures wide' : 'figures' });
  for (const [label, content] of list.filter(Boolean)) dl.append(h('dt', {}, label), h('dd', {}, content));
  return dl;
}
const row = (label, one, options) => (one ? [label, value(one, options)] : null);
const bar = (part, cls = '') => h('div', { cls: `bar ${cls}`.trim(), 'aria-hidden': 'true' }, h('span', { 'data-width': Math.round(Math.min(1, Math.max(0, part)) * 1000) / 10 }));
const watts = (one) => (one ? quantity(one.value, 'W') : '–');

// MARK: Now

// What is old is shown as such, and flows nowhere.
const old = (one) => (one && isOld(one) ? one : null);
const node = (x, y, kind, name, main, sub, stale, half = 78) => [
  s('rect', { class: kind, x: x - half, y: y - 44, width: 2 * half, height: 88, rx: 14 }), s('text', { x, y: y - 21 }, name),
  s('text', { class: stale ? 'v old' : 'v', x, y: y + 8 }, main), s('text', { class: stale ? 's old' : 's', x, y: y + 31 }, stale ? t('ago', span(stale.age + elapsed())) : sub)];

/** The panels, and beside them what the chargers give, which is less by their losses: the lines that leave add up to it. */
function panelsNode(solar) {
  const isKnown = solar.power && solar.output && !old(solar.power) && !old(solar.output);
  const differs = isKnown && Math.round(solar.power.value) !== Math.round(solar.output.value);
  return [...node(190, 50, 'sun', t('panels'), watts(solar.power), solar.yield_today ? `${quantity(solar.yield_today.value, 'kWh')} ${t('today')}` : '', old(solar.power)),
    ...(differs ? [s('text', { class: 's start output', x: 276, y: 46 }, watts(solar.output)), s('text', { class: 's start', x: 276, y: 63 }, t('chargerOutput'))] : [])];
}

function flowWithoutMonitor({ solar, battery }) {
  const made = solar.output ?? solar.power;
  const sun = made ? Math.max(0, made.value) : 0;
  const isFlowing = made && !old(made) && sun >= 1;
  const known = [battery.state_of_charge, battery.voltage].filter((one) => one && !old(one)).map((one) => quantity(one.value, one.unit)).join(' · ');
  const svg = s('svg', { viewBox: '0 0 380 300', role: 'img', 'aria-label': t('flowLabelAlone', watts(solar.power), watts(made)) },
    s('path', { d: 'M190 96 L190 200', class: isFlowing ? 'on from-sun' : 'off' }),
    ...panelsNode(solar),
    ...node(190, 244, 'battery', t('batteryAndLoads'), watts(made), known, old(made), 120));
  return h('div', { cls: 'card flow' }, svg, h('p', { cls: 'soft' }, t('needsMonitor')));
}

function flow(now) {
  const { solar, battery, consumption } = now;
  const made = solar.output ?? solar.power;
  // Without a battery monitor it is not known what goes into the battery and what into the loads.
  if (!battery.power) return flowWithoutMonitor(now);
  const into = battery.power.value;
  const used = consumption ? consumption.value : null;
  const sun = made ? Math.max(0, made.value) : 0;
  const least = 1;
  const other = used !== null && used < -5;
  const sunToBattery = Math.max(0, Math.min(sun, into));
  const sunToLoad = used === null ? 0 : Math.max(0, Math.min(sun, used));
  const batteryToLoad = Math.max(0, -into - (other ? 0 : Math.max(0, -(used ?? 0))));
  const otherToBattery = other ? -used : 0;
  const isFlowing = ![made, battery.power, consumption].some(old);
  const edge = (d, amount, kind, back) => s('path', { d, class: isFlowing && amount >= least ? `on from-${kind}${back ? ' back' : ''}` : 'off' });
  const label = (x, y, amount, anchor) => (isFlowing && amount >= least ? [s('text', { class: `f ${anchor}`, x, y }, quantity(amount, 'W'))] : []);
  const percent = battery.state_of_charge ? quantity(battery.state_of_charge.value, '%') : battery.voltage ? quantity(battery.voltage.value, 'V') : '–';
  const svg = s('svg', { viewBox: '0 0 380 300', role: 'img', 'aria-label': t('flowLabel', watts(solar.power), `${percent} ${battery.power ? watts(battery.power) : ''}`, watts(consumption)) },
    edge('M150 96 L100 200', sunToBattery, 'sun'), edge('M230 96 L280 200', sunToLoad, 'sun'),
    edge('M166 244 L214 244', batteryToLoad + otherToBattery, other ? 'load' : 'battery', other),
    ...panelsNode(solar),
    ...node(87, 244, 'battery', t('battery'), percent, `${quantity(Math.abs(battery.power.value), 'W')} ${batteryWord(battery)}`, old(battery.state_of_charge ?? battery.voltage)),
    ...node(293, 244, 'load', other ? t('otherSource') : t('loads'), consumption ? quantity(Math.abs(consumption.value), 'W') : '–', '', old(consumption)),
    ...label(112, 152, sunToBattery, 'end'), ...label(268, 152, sunToLoad, 'start'), ...label(190, 190, batteryToLoad + otherToBattery, 'middle'));
  return h('div', { cls: 'card flow' }, svg);
}

function batteryWord(battery) {
  const power = battery.power ? battery.power.value : 0;
  return power > 3 ? t('charging') : power < -3 ? t('discharging') : t('idle');
}

function batteryCard({ battery }) {
  const charge = battery.state_of_charge;
  const main = charge ?? battery.voltage;
  return h('section', { cls: 'card', 'aria-label': t('battery') },
    h('div', { cls: 'row' }, h('h2', {}, t('battery')), battery.power ? h('span', { cls: `badge ${battery.power.value > 3 && !isOld(battery.power) ? 'good' : 'calm'}` }, batteryWord(battery)) : null),
    value(main, { big: true }), charge ? bar(charge.value / 100) : null,
    rows([charge ? row(t('voltage'), battery.voltage) : null, row(t('current'), battery.current), row(t('power'), battery.power),
      battery.time_to_go && battery.power && battery.power.value < 0 ? [t('timeToGo'), span(battery.time_to_go.value)] : null, row(t('consumed'), battery.consumed_charge)]),
    battery.current && !battery.power ? h('p', { cls: 'soft' }, t('chargeFrom')) : null);
}

function chargerCard(charger) {
  const v = charger.values;
  const isGone = !charger.answers;
  // Without a connection nothing is known to be well.
  const kind = isGone ? 'bad' : charger.error_code ? 'bad' : charger.dark || charger.state_code === 0 || elapsed() > 6 ? 'calm' : 'good';
  const share = isGone ? null : charger.share;
  const word = isGone ? t('noAnswer') : charger.dark ? t('dark') : chargeState(charger.state_code, charger.state);
  return h('section', { cls: `card${kind === 'bad' ? ' bad' : ''}`, 'aria-label': `${charger.model ?? ''} ${charger.serial}` },
    h('div', { cls: 'row' }, h('h3', {}, charger.name ?? charger.model ?? charger.serial), h('span', { cls: `badge ${kind}` }, word)),
    h('p', { cls: 'soft' }, charger.serial),
    h('div', { cls: 'row' }, value(v.panel_power, { big: true }), share !== null ? h('span', { cls: 'soft' }, `${t('share')} ${quantity(share * 100, '%')}`) : null),
    share !== null ? bar(share, 'sun') : null,
    charger.error_code ? h('p', { cls: 'l-error' }, `${t('error')} ${charger.error_code}: ${charger.error ?? ''}`) : null,
    isGone ? h('p', { cls: 'soft' }, t('lastHeard', span(charger.last_seen + elapsed()))) : null,
    rows([row(t('yieldToday'), v.yield_today), row(t('maxPower'), v.max_power_today), row(t('panelVoltage'), v.panel_voltage, { places: 1 }), row(t('batteryVoltage'), v.battery_voltage),
      row(t('chargeCurrent'), v.charge_current), v.load_current && v.load_current.value ? row(t('loadCurrent'), v.load_current) : null, row(t('temperature'), v.temperature, { places: 0 }), row(t('yieldYesterday'), v.yield_yesterday, { daily: true })]));
}

function inverterCard({ inverter }) {
  if (!inverter) return null;
  return h('section', { cls: 'card', 'aria-label': t('inverter') }, h('div', { cls: 'row' }, h('h2', {}, t('inverter')), inverter.state ? h('span', { cls: 'badge calm' }, inverter.state) : null),
    inverter.output_current ? value(inverter.output_current, { big: true }) : h('p', { cls: 'old' }, '–'), h('p', { cls: 'soft' }, `${t('output')} · ${inverter.device}`));
}

function drawNow() {
  const { now } = state;
  if (!now) return show($('now'), h('p', { cls: 'soft' }, t('connecting')));
  const hasBattery = Object.values(now.battery).some(Boolean);
  if (!now.chargers.length && !hasBattery && !now.inverter) {
    return show($('now'), h('div', { cls: 'card' }, h('h2', {}, t('noDevice')), h('p', {}, now.ports.total ? t('noDeviceHelp') : t('noPort')),
      now.ports.total && state.health ? h('ul', {}, ...state.health.ports.map((port) => h('li', {}, `${port.path}: ${portState(port.state)}${port.advice ? ` – ${portAdvice(port.state, port.advice)}` : ''}`))) : null,
      h('p', {}, h('a', { href: '#health' }, t('seeHealth')))));
  }
  show($('now'), h('div', { cls: 'stack' }, h('div', { cls: 'duo' }, flow(now), h('div', { cls: 'stack' }, hasBattery ? batteryCard(now) : null, inverterCard(now))),
    now.chargers.length ? h('h2', {}, t('chargers')) : null, h('div', { cls: 'grid' }, ...now.chargers.map(chargerCard))));
}

// MARK: What everybody should know

function drawNotes() {
  const { now } = state;
  const notes = [];
  if (!state.linked && now && Date.now() - state.since > 4000) notes.push(['bad', t('lostLong', clock(state.since / 1000))]);
  else if (state.linked && now && elapsed() > 6) notes.push(['bad', t('silentBridge')]);
  if (now) {
    const { total, connected } = now.brokers;
    if (total && connected < total) notes.push(['', total === 1 ? t('brokerDown') : t('brokersDown', total - connected, total)]);
    if (now.ports.in_trouble && (now.chargers.length || Object.values(now.battery).some(Boolean))) notes.push(['', t('portTrouble', now.ports.in_trouble, now.ports.total), ...(state.view === 'health' ? [] : ['#health', t('seeHealth')])]);
    if (state.view === 'now' && now.chargers.length && now.chargers.every((charger) => charger.dark && charger.answers)) notes.push(['calm', t('night')]);
  }
  show($('notes'), ...notes.map(([kind, text, href, link]) => h('p', { cls: `note ${kind}`.trim(), role: kind === 'calm' ? null : 'status' }, `${text} `, href ? h('a', { href }, link) : null)));
  $('link').className = state.linked ? 'link' : 'link off';
  put($('link'), state.linked ? t('live') : now ? t('lost') : t('connecting'));
  if (now) {
    const name = [now.name, now.host].filter(Boolean).join(' · ');
    put($('title'), name ? `vebridge · ${name}` : 'vebridge');
    put($('foot'), `vebridge ${now.version} · ${moment(now.time)}`);
  }
}

// MARK: Health

function portCard(port) {
  const kind = port.advice ? 'bad' : port.state === 'polling' ? 'good' : 'warn';
  const rejected = Object.entries(port.rejected);
  const count = rejected.reduce((sum, [, one]) => sum + one, 0);
  const frames = port.frames + port.text_blocks;
  const share = frames + count ? count / (frames + count) * 100 : 0;
  const usb = [port.usb_product, port.usb_id, port.usb_serial, port.driver].filter(Boolean).join(' · ');
  const hour = {};
  for (const minute of port.rejected_minutes) for (const [name, one] of Object.entries(minute.rejected)) hour[name] = (hour[name] ?? 0) + one;
  const byReason = (list) => list.map(([name, one]) => `${reason(name)} ${number(one)}`).join(', ');
  return h('section', { cls: `card${kind === 'bad' ? ' bad' : ''}`, 'aria-label': port.path },
    h('div', { cls: 'row' }, h('h3', {}, port.path), h('span', { cls: `badge ${kind}` }, portState(port.state))),
    port.serial ? h('p', { cls: 'soft' }, [port.model, port.serial, port.firmware ? `v${port.firmware}` : ''].filter(Boolean).join(' · ')) : null,
    port.advice ? h('p', { cls: 'l-error' }, portAdvice(port.state, port.advice)) : null,
    rows([port.device !== port.path ? [t('device'), port.device] : null, usb ? [t('usb'), usb] : null, [t('speed'), number(port.readings_per_second, 1)],
      [t('turnaround'), port.turnaround_ms_p50 === null ? '–' : `${number(port.turnaround_ms_p50)} / ${number(port.turnaround_ms_p99)}\u00a0ms`], [t('frames'), number(frames)],
      [t('rejected'), `${number(count)} (${number(share, share && share < 1 ? 2 : 0)}\u00a0%)${count ? `: ${byReason(rejected)}` : ''}`], [t('confirmations'), number(port.confirmed)], [t('unconfirmed'), number(port.unconfirmed + port.implausible)],
      [t('retries'), number(port.retries)], [t('timeouts'), number(port.timeouts)], [t('reopens'), number(port.reopens)], port.open_for !== null ? [t('openFor'), span(port.open_for)] : null,
      port.last_byte !== null ? [t('lastByte'), t('ago', span(port.last_byte))] : null]),
    port.last_trouble ? h('p', { cls: 'soft' }, `${t('lastTrouble')} (${moment(port.last_trouble_time)}): ${port.last_trouble}`) : null,
    Object.keys(hour).length ? h('div', {}, h('p', { cls: 'soft' }, t('noise', byReason(Object.entries(hour)))), spark(port.rejected_minutes, t('noise', byReason(Object.entries(hour))))) : port.rejected_minutes.length ? h('p', { cls: 'soft' }, t('noNoise')) : null);
}

function busCard(bus) {
  const isFine = bus.open && !bus.trouble;
  return h('section', { cls: `card${isFine ? '' : ' bad'}`, 'aria-label': bus.source }, h('div', { cls: 'row' }, h('h3', {}, bus.source), h('span', { cls: `badge ${isFine ? 'good' : 'bad'}` }, bus.open ? t('open') : t('closed'))),
    bus.trouble ? h('p', { cls: 'l-error' }, bus.trouble) : null,
    rows([[t('frames'), number(bus.frames)], [t('values'), number(bus.values)], [t('errors'), number(bus.errors)], [t('requests'), number(bus.requests)], [t('timeouts'), number(bus.failures)], [t('reopens'), number(bus.reopens)]]),
    bus.devices.length ? rows(bus.devices.map((device) => [device.name ?? device.address, `${device.awake ? t('awake') : t('asleep')}, ${t('nValues', number(device.values))}`]), true) : null);
}

function brokerCard(broker) {
  return h('section', { cls: `card${broker.connected ? '' : ' bad'}`, 'aria-label': broker.name }, h('div', { cls: 'row' }, h('h3', {}, broker.name), h('span', { cls: `badge ${broker.connected ? 'good' : 'bad'}` }, broker.connected ? t('connected') : t('notConnected'))),
    rows([[t('published'), number(broker.published)], [t('acknowledged'), number(broker.acknowledged)], [t('waiting'), number(broker.waiting + broker.waiting_samples)], [t('dropped'), number(broker.dropped)],
      [t('latency'), broker.latency_ms === null ? '–' : `${number(broker.latency_ms, 1)}\u00a0ms`], [t('connects'), number(broker.connects)]]));
}

function bridgeCard(health) {
  const { process, history } = health;
  return h('section', { cls: `card${history && history.trouble ? ' bad' : ''}`, 'aria-label': t('bridge') }, h('h3', {}, t('bridge')),
    rows([[t('version'), health.version], [t('host'), health.host], [t('started'), moment(health.started)], [t('cpu'), span(process.cpu_seconds)], [t('memory'), bytes(process.resident_bytes)],
      history ? [t('history'), bytes(history.bytes)] : null, history && history.last_write ? [t('lastWrite'), moment(history.last_write)] : null, history && history.dropped ? [t('dropped'), number(history.dropped)] : null]),
    history && history.trouble ? h('p', { cls: 'l-error' }, history.trouble) : null);
}

function buildHealth() {
  const level = h('select', { id: 'level', onchange: () => { log.after = -1; readLog(); } }, ...['info', 'notice', 'warning', 'error'].map((name) => h('option', { value: name }, t('levels')[name])));
  $('health').replaceChildren(h('div', { id: 'cards', cls: 'stack' }),
    h('section', { cls: 'card', 'aria-labelledby': 'h-log' }, h('div', { cls: 'row' }, h('h2', { id: 'h-log' }, t('log')), h('label', { for: 'level' }, t('level'), level)), h('div', { cls: 'log', id: 'log', tabindex: 0, role: 'region', 'aria-labelledby': 'h-log' })));
}

function drawHealth() {
  if (!$('cards')) buildHealth();
  const { health } = state;
  if (!health) return show($('cards'), h('p', { cls: 'soft' }, t('connecting')));
  const part = (title, cards) => (cards.length ? [h('h2', {}, title), h('div', { cls: 'grid' }, ...cards)] : []);
  show($('cards'), ...part(t('ports'), health.ports.map(portCard)), ...(health.ports.length ? [] : [h('p', { cls: 'note' }, t('noPort'))]), ...part(t('connections'), [...health.buses.map(busCard), ...health.brokers.map(brokerCard), bridgeCard(health)]));
  if (health.log_last !== log.after) readLog();
}

const log = { after: -1, busy: false };
async function readLog() {
  if (log.busy || !$('level')) return;
  log.busy = true;
  try {
    const answer = await (await fetch(`/api/v1/log?level=${$('level').value}&limit=200`)).json();
    log.after = answer.last;
    const list = answer.records.slice().reverse();
    show($('log'), list.length ? h('table', {}, h('tbody', {}, ...list.map((one) => h('tr', {}, h('td', {}, clockLong(one.time)), h('td', { cls: `level l-${one.level}` }, one.level),
      h('td', { cls: `l-${one.level}` }, one.message, Object.keys(one.values).length ? h('span', { cls: 'values' }, ` ${Object.entries(one.values).map(([key, text]) => `${key}=${text}`).join(' ')}`) : null))))) : h('p', { cls: 'soft' }, t('noLog')));
  } catch { log.after = -1; } finally { log.busy = false; }
}
const clockLong = (time) => new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(time * 1000);

// MARK: Days

const days = { range: 31, day: null, busy: false, at: 0 };
const shift = (day, by) => new Date(Date.parse(`${day}T12:00:00Z`) + by * 86400000).toISOString().slice(0, 10);

async function ask(path) {
  const answer = await fetch(path);
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.message), { code: body.error });
  return body;
}

function buildDays() {
  const range = h('select', { id: 'range', onchange: () => { days.range = Number($('range').value); loadDays(); } }, ...[7, 31, 92, 366].map((count) => h('option', { value: count, selected: count === days.range }, t('lastDays', number(count)))));
  $('days').replaceChildren(
    h('p', { cls: 'print-only', id: 'report-head' }),
    h('div', { cls: 'tools' }, h('button', { type: 'button', id: 'previous', onclick: () => go(-1) }, `‹ ${t('previous')}`), h('label', { for: 'date' }, h('span', { cls: 'unseen' }, t('day')), h('input', { type: 'date', id: 'date', min: '2000-01-01', max: '2099-12-31', onchange: () => { if ($('date').value) location.hash = `#days/${$('date').value}`; } })),
      h('button', { type: 'button', id: 'next', onclick: () => go(1) }, `${t('next')} ›`), h('button', { type: 'button', onclick: () => { location.hash = '#days'; days.day = null; loadDays(); } }, t('todayButton')), h('label', { for: 'range' }, t('show'), range), h('button', { type: 'button', onclick: () => window.print() }, t('print'))),
    h('div', { cls: 'stack', id: 'days-body' }));
}
function go(by) { if (days.day) location.hash = `#days/${shift(days.day, by)}`; }

async function loadDays() {
  if (!$('days-body')) buildDays();
  // What there is to ask for is known with the first event.
  if (!state.now) return;
  days.at = Date.now();
  if (!state.now.history) return void $('days-body').replaceChildren(h('p', { cls: 'note calm' }, t('noHistory')));
  const wanted = /^#days\/(\d{4}-\d\d-\d\d)$/.exec(location.hash);
  const number = (days.number = (days.number ?? 0) + 1);
  try {
    let list = await ask('/api/v1/days?' + new URLSearchParams(wanted && shift(wanted[1], days.range - 1) < localToday() ? { from: shift(wanted[1], 1 - days.range), to: wanted[1] } : { from: shift(localToday(), 1 - days.range), to: localToday() }));
    const day = wanted ? wanted[1] : list.today;
    const detail = await ask(`/api/v1/days/${day}`);
    if (number !== days.number) return;
    days.day = day;
    days.at = Date.now();
    days.zone = list.zone;
    if (!wanted && list.today !== list.to) return void loadDays();
    drawDays(list, detail);
  } catch (error) {
    if (number !== days.number) return;
    $('days-body').replaceChildren(h('p', { cls: 'note' }, error.code === 'no_history' ? t('noHistory') : t('historyTrouble')));
  }
}
const localToday = () => {
  // The plant's day, once its zone is known; it need not be that of who looks.
  try { return new Intl.DateTimeFormat('sv-SE', { timeZone: days.zone }).format(new Date()).slice(0, 10); } catch { return new Intl.DateTimeFormat('sv-SE').format(new Date()).slice(0, 10); }
};

function drawDays(list, detail) {
  const zone = detail.zone;
  $('date').value = detail.day;
  $('next').disabled = detail.day >= list.today;
  put($('report-head'), `vebridge · ${t('report')} · ${dayLong(detail.day)}`);
  const names = [...new Set([...list.days.flatMap((day) => Object.keys(day.devices)), ...Object.keys(detail.devices)])].filter((name) => name !== 'plant');
  const chargers = names.filter((name) => list.days.some((day) => day.devices[name]?.yield !== undefined) || detail.devices[name]?.yield !== undefined).sort();
  const kind = (name) => `k${Math.max(0, chargers.indexOf(name)) % 8}`;
  const body = $('days-body');
  const scroll = window.scrollY;

  const bars = h('div', { cls: 'chart' });
  const power = h('div', { cls: 'chart' });
  const battery = h('div', { cls: 'chart' });
  const comparison = h('div', { cls: 'chart' });
  const byDay = new Map(list.days.map((day) => [day.day, day.devices]));
  const all = [];
  for (let day = list.from; day <= list.to; day = shift(day, 1)) all.push(day);
  const yieldOf = (devices) => (devices ? devices.plant?.yield ?? chargers.reduce((sum, name) => sum + (devices[name]?.yield ?? 0), 0) : 0);

  const of = (quantityName) => detail.series.filter((one) => one.quantity === quantityName);
  const powers = of('panel_power').filter((one) => one.points.length);
  const volts = of('battery_voltage').length ? of('battery_voltage') : of('charger_voltage').slice(0, 1);
  const amps = of('battery_current');
  const charge = of('state_of_charge');
  const hasDay = Object.keys(detail.devices).length || detail.series.length;

  body.replaceChildren(...[
    h('section', { cls: 'card' }, h('h2', {}, dayLong(detail.day)), h('p', { cls: 'words' }, hasDay ? sentences(detail, list) : list.first ? t('nothingKnown') : t('noHistoryYet'))),
    powers.length ? h('section', { cls: 'card' }, h('h2', {}, t('powerOverDay')), power, legend(powers.map((one) => [nameOf(one.device), kind(one.device)]))) : null,
    volts.length ? h('section', { cls: 'card' }, h('h2', {}, t('batteryOverDay')), battery, legend([[t('voltage'), 'k0'], ...(amps.length ? [[t('current'), 'k5']] : [])])) : null,
    hasDay ? h('section', { cls: 'stack' }, h('h2', {}, t('figuresOf')), h('div', { cls: 'grid' }, ...figureCards(detail))) : null,
    all.length > 1 && list.days.length ? h('section', { cls: 'card' }, h('h2', {}, t('yieldByDay')), bars, legend(chargers.map((name) => [nameOf(name), kind(name)])), totals(list),
      h('details', {}, h('summary', {}, t('asTable')), h('div', { cls: 'scroll' }, dayTable(list, chargers)))) : null,
    chargers.length > 1 && list.days.filter((day) => day.day !== list.today).length > 1 ? h('section', { cls: 'card' }, h('h2', {}, t('compare')), h('p', { cls: 'soft' }, t('compareHint')), comparison, findings(list)) : findings(list, true),
  ].filter(Boolean));

  // Today is not over: it has a bar, and is no day to compare or to average.
  const whole = all.filter((day) => day !== list.today);
  if (bars.isConnected) stackedBars(bars, { unit: 'kWh', label: t('yieldByDay'), format: (value) => number(value, 1, 0), every: 1,
    days: all.map((day) => ({ label: dayShort(day), href: `#days/${day}`, current: day === detail.day, title: `${dayLong(day)}: ${byDay.has(day) ? quantity(yieldOf(byDay.get(day)), 'kWh') : '–'}${day === list.today ? ` ${t('soFar')}` : ''}`, parts: chargers.map((name) => byDay.get(day)?.[name]?.yield ?? null) })) });
  const hours = (width) => { const step = (width < 420 ? 6 : width < 700 ? 4 : 2) * 3600; const list = []; for (let at = 0; at <= detail.end - detail.start; at += step) list.push(at); return list; };
  const time = { from: 0, to: detail.end - detail.start, xTicks: hours, xText: (at, fine) => (fine ? clock : hour)(detail.start + at, zone), hint: t('hint') };
  if (power.isConnected) lines(power, { ...time, label: t('powerOverDay'), axes: [{ unit: 'W', zero: true, stacked: true, format: (value) => number(value, 0), series: powers.map((one) => ({ ...one, name: nameOf(one.device), kind: kind(one.device) })) }] });
  if (battery.isConnected) lines(battery, { ...time, label: t('batteryOverDay'), axes: [{ unit: 'V', format: (value, fine) => number(value, fine ? 2 : 1), series: volts.map((one) => ({ ...one, name: t('voltage'), kind: 'k0' })) },
    ...(amps.length ? [{ unit: 'A', zero: true, format: (value, fine) => number(value, fine ? 1 : 0), series: amps.map((one) => ({ ...one, name: t('current'), kind: 'k5' })) }] : [])] });
  if (comparison.isConnected) {
    const share = (day, name) => { const devices = byDay.get(day); const sum = yieldOf(devices); const own = devices?.[name]?.yield; return sum > 0 && own !== undefined ? own / sum * 100 : null; };
    lines(comparison, { from: 0, to: whole.length, xTicks: (width) => { const step = Math.max(1, Math.ceil(whole.length * 52 / width)); return whole.map((_, index) => index + 0.5).filter((_, index) => (whole.length - 1 - index) % step === 0); }, xText: (at) => dayShort(whole[Math.min(whole.length - 1, Math.max(0, Math.floor(at)))]), label: t('compareHint'), hint: t('hint'),
      axes: [{ unit: '%', zero: true, format: (value) => number(value, 0), series: chargers.map((name) => ({ name: nameOf(name), kind: kind(name), step: 1, points: whole.map((day, index) => [index, share(day, name)]).filter((point) => point[1] !== null) })) }] });
  }
  window.scrollTo(0, scroll);
}

function sentences(detail, list) {
  const { plant = {}, ...others } = detail.devices;
  const zone = detail.zone;
  const isToday = detail.day === list.today;
  const battery = Object.values(others).find((one) => one['state_of_charge.min'] !== undefined) ?? Object.values(others).find((one) => one['battery_voltage.min'] !== undefined);
  const parts = [];
  if (plant.yield !== undefined) parts.push(isToday ? t('w_yieldToday', quantity(plant.yield, 'kWh')) : t('w_yield', dayLong(detail.day), quantity(plant.yield, 'kWh')));
  if (plant.maximum_power > 0 && plant.maximum_power_at) parts.push(t('w_best', quantity(plant.maximum_power, 'W'), clock(plant.maximum_power_at, zone)));
  if (plant.production_start && plant.production_stop) parts.push(isToday && Date.now() / 1000 - plant.production_stop < 900 ? t('w_timeOpen', clock(plant.production_start, zone)) : t('w_time', clock(plant.production_start, zone), clock(plant.production_stop, zone)));
  if (plant.float_at) parts.push(t('w_float', clock(plant.float_at, zone)));
  if (battery?.['battery_voltage.min'] !== undefined) parts.push(range('w_battery', battery['battery_voltage.min'], battery['battery_voltage.max'], 'V'));
  if (battery?.['state_of_charge.min'] !== undefined) parts.push(range('w_soc', battery['state_of_charge.min'], battery['state_of_charge.max'], '%'));
  if (plant.consumption > 0 && plant.self_sufficiency !== undefined) parts.push(t('w_consumption', quantity(plant.consumption, 'kWh'), quantity(plant.self_sufficiency, '%')));
  if (Object.values(others).some((one) => one.yield_source > 0)) parts.push(t('w_source'));
  return parts.join(' ') || t('nothingKnown');
}

/** How people call a device: a charger by the name that it was given, the shunt by what it measures. */
function nameOf(device, detail) {
  if (device === 'plant') return t('plant');
  const charger = state.now?.chargers.find((one) => one.serial === device);
  if (charger) return charger.name ?? device;
  return detail?.devices[device]?.['battery_voltage.min'] !== undefined && detail.devices[device].yield === undefined ? t('battery') : device;
}

/** A range in words; one figure where both ends read the same. */
function range(key, least, most, unit) {
  const [from, to] = [quantity(least, unit), quantity(most, unit)];
  return from === to ? t(`${key}At`, from) : t(key, from, to);
}

function figureCards(detail) {
  const order = Object.keys(detail.devices).sort((a, b) => (a === 'plant' ? -1 : b === 'plant' ? 1 : a.localeCompare(b)));
  return order.map((name) => {
    const list = figureOrder.filter((one) => detail.devices[name][one] !== undefined).map((one) => figure(one, detail.devices[name][one], detail.zone)).filter(Boolean);
    return list.length ? h('section', { cls: 'card', 'aria-label': nameOf(name, detail) }, h('h3', {}, nameOf(name, detail)), rows(list)) : null;
  }).filter(Boolean);
}

function totals(list) {
  const all = list.total.daily_yields.plant;
  const sum = list.total.devices.plant?.yield;
  const isRunning = list.days.some((day) => day.day === list.today);
  return rows([sum !== undefined ? [isRunning ? t('totalSoFar') : t('total'), quantity(sum, 'kWh')] : null, all ? [t('best'), quantity(all.max, 'kWh')] : null, all ? [isRunning ? t('averageWhole') : t('average'), quantity(all.mean, 'kWh')] : null]);
}

function dayTable(list, chargers) {
  return h('table', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('day')), ...chargers.map((name) => h('th', { scope: 'col', cls: 'n' }, nameOf(name))), h('th', { scope: 'col', cls: 'n' }, t('total')))),
    h('tbody', {}, ...list.days.slice().reverse().map((day) => h('tr', {}, h('th', { scope: 'row' }, h('a', { href: `#days/${day.day}` }, dayLong(day.day)), day.day === list.today ? ` ${t('soFar')}` : ''), ...chargers.map((name) => h('td', { cls: 'n' }, day.devices[name]?.yield === undefined ? '–' : quantity(day.devices[name].yield, 'kWh'))),
      h('td', { cls: 'n' }, day.devices.plant?.yield === undefined ? '–' : quantity(day.devices.plant.yield, 'kWh'))))));
}

function findings(list, isAlone) {
  if (!list.findings.length) return isAlone ? null : h('p', { cls: 'soft' }, t('noFindings'));
  const items = list.findings.map((one) => {
    const time = one.until ? t('until', dayLong(one.since), dayLong(one.until)) : t('since', dayLong(one.since));
    const less = one.kind === 'degradation' ? `${number(one.less_percent, 1)}\u00a0%` : quantity(one.less_percent, '%');
    // Nothing that is worked out from a few weeks is certain; the same words as in the finding's sentence.
    const sure = one.confidence >= 0.99 ? t('moreThan', quantity(99, '%')) : quantity(Math.floor(one.confidence * 100 + 1e-6), '%');
    const text = one.kind === 'degradation' ? t('f_degradation', nameOf(one.device), less, '', sure) : t(`f_${one.kind}`, nameOf(one.device), less, time, sure);
    return h('li', { cls: one.alarm && !one.until ? 'l-error' : null }, text);
  });
  return isAlone ? h('section', { cls: 'card' }, h('h2', {}, t('compare')), h('ul', {}, ...items)) : h('ul', {}, ...items);
}

// MARK: The stream

function connect() {
  state.stream?.close();
  clearTimeout(state.retry);
  if (document.hidden) return;
  const wantsHealth = state.view === 'health' || (state.now && !state.now.chargers.length);
  state.wantsHealth = wantsHealth;
  const stream = new EventSource(`/api/v1/events${wantsHealth ? '?with=health' : ''}`);
  state.stream = stream;
  const linked = () => { if (!state.linked) { state.linked = true; state.since = Date.now(); } };
  stream.addEventListener('now', (event) => {
    const isFirst = !state.now;
    state.now = JSON.parse(event.data);
    state.at = performance.now();
    linked();
    draw();
    if (isFirst && state.view === 'days') loadDays();
    if (!state.wantsHealth && !state.now.chargers.length) connect();
  });
  stream.addEventListener('health', (event) => { state.health = JSON.parse(event.data); linked(); if (state.view === 'health') drawHealth(); });
  stream.onerror = () => {
    if (state.stream !== stream) return;
    if (state.linked) { state.linked = false; state.since = Date.now(); drawNotes(); }
    // The browser comes back by itself, but not after an answer that was none of events.
    if (stream.readyState === EventSource.CLOSED) state.retry = setTimeout(connect, 5000);
  };
}

function draw() {
  drawNotes();
  if (state.view === 'now') drawNow();
}

function route() {
  const view = /^#(now|days|health)/.exec(location.hash)?.[1] ?? 'now';
  const changed = view !== state.view;
  state.view = view;
  for (const name of ['now', 'days', 'health']) $(`view-${name}`).hidden = name !== view;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.view === view) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
  }
  document.title = `${t(view)} · vebridge`;
  if (view === 'days') loadDays();
  if (view === 'health') drawHealth();
  draw();
  if (changed && (view === 'health') !== Boolean(state.wantsHealth)) connect();
}

for (const element of document.querySelectorAll('[data-t]')) put(element, t(element.dataset.t));
for (const element of document.querySelectorAll('[data-t-label]')) element.setAttribute('aria-label', t(element.dataset.tLabel));
document.documentElement.lang = language;
window.addEventListener('hashchange', route);
document.addEventListener('visibilitychange', () => { if (document.hidden) { state.stream?.close(); state.linked = false; state.since = Date.now(); } else connect(); });
setInterval(() => {
  if (document.hidden) return;
  if (elapsed() > 3) draw();
  // Today goes on.
  if (state.view === 'days' && Date.now() - days.at > 120000 && !document.activeElement?.closest?.('#days-body') && (days.day === localToday() || !days.day)) loadDays();
}, 1000);
route();
if (!state.stream) connect();
