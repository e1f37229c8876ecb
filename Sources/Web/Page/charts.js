// Charts as SVG, drawn for the width there is: text keeps its size on every screen.
const NS = 'http://www.w3.org/2000/svg';

export function s(tag, props = {}, ...children) {
  const element = document.createElementNS(NS, tag);
  for (const [key, value] of Object.entries(props)) if (value !== null && value !== undefined) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Round steps for an axis, at most `count` of them. */
export function ticks(low, high, count) {
  const span = high - low || 1;
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((f) => f >= raw * 0.999);
  const list = [];
  for (let i = Math.ceil(low / step - 1e-9); i <= high / step + 1e-9; i += 1) list.push(Number((i * step).toPrecision(12)));
  return list;
}

/** Where an axis begins and ends for values from low to high. */
function range(low, high, zero) {
  if (!(low <= high)) return [0, 1];
  if (zero) { low = Math.min(0, low); high = Math.max(0, high); }
  const least = zero ? 0.1 : 0.2;
  if (high - low < least) { const middle = (high + low) / 2; low = zero && low >= 0 ? 0 : middle - least / 2; high = low + least; }
  const margin = (high - low) * 0.06;
  return [zero && low === 0 ? 0 : low - margin, high + margin];
}

/** Draws again whenever the width changes. */
function fit(box, draw) {
  let last = 0;
  const redraw = () => {
    const width = Math.floor(box.clientWidth);
    if (width < 40) return;
    last = width;
    draw(width);
  };
  const observer = new ResizeObserver(() => { if (Math.floor(box.clientWidth) !== last) redraw(); });
  observer.observe(box);
  redraw();
}

export function legend(names) {
  const list = document.createElement('ul');
  list.className = 'legend';
  names.forEach(([name, kind]) => {
    const item = document.createElement('li');
    item.append(s('svg', { viewBox: '0 0 10 10', 'aria-hidden': 'true' }, s('rect', { width: 10, height: 10, rx: 2, class: kind })), name);
    list.append(item);
  });
  return list;
}

/**
 * A bar for each day, a part for each charger. Each is a link to its day.
 * days: [{ label, title, href, current, parts: [number|null] }]
 */
export function stackedBars(box, { days, unit, format, label, every }) {
  fit(box, (width) => {
    const height = 210, left = 44, right = 6, top = 12, bottom = 24;
    const total = (day) => day.parts.reduce((sum, part) => sum + (part || 0), 0);
    const [, high] = range(0, Math.max(0.1, ...days.map(total)), true);
    const y = (value) => top + (height - top - bottom) * (1 - value / high);
    const slot = (width - left - right) / Math.max(1, days.length);
    const svg = s('svg', { viewBox: `0 0 ${width} ${height}`, height, role: 'group', 'aria-label': label });
    for (const tick of ticks(0, high, 4)) {
      svg.append(s('line', { class: 'axis', x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
      svg.append(text(left - 6, y(tick) + 4, format(tick), 'end'));
    }
    svg.append(text(2, 11, unit, 'start'));
    const skip = Math.max(every || 1, Math.ceil(46 / slot));
    days.forEach((day, index) => {
      const x = left + index * slot;
      const link = s('a', { class: 'bar-link', href: day.href, 'aria-label': day.title, 'aria-current': day.current ? 'date' : null },
        s('title', {}, day.title), s('rect', { class: 'hit', x, y: top, width: slot, height: height - top - bottom }));
      let sum = 0;
      day.parts.forEach((part, kind) => {
        if (!part) return;
        link.append(s('rect', { class: `k${kind % 8}`, x: x + slot * 0.12, width: Math.max(1, slot * 0.76), y: y(sum + part), height: Math.max(0.5, y(sum) - y(sum + part)) }));
        sum += part;
      });
      svg.append(link);
      if ((days.length - 1 - index) % skip === 0) {
        const at = Math.min(width - 22, Math.max(left + 4, x + slot / 2));
        svg.append(text(at, height - 6, day.label, 'middle'));
      }
    });
    box.replaceChildren(svg);
  });
}

/**
 * Lines over time, with one axis or two.
 * axes: [{ unit, format, zero, stacked, series: [{ name, kind, step, points: [[x, y]] }] }]
 */
export function lines(box, { from, to, xTicks, xText, axes, label, hint }) {
  const readout = document.createElement('p');
  readout.className = 'readout no-print';
  readout.setAttribute('aria-live', 'polite');
  readout.textContent = hint;
  const frame = document.createElement('div');
  box.replaceChildren(frame, readout);
  let at = null;
  fit(frame, (width) => {
    const height = 230, left = 48, right = axes.length > 1 ? 46 : 8, top = 18, bottom = 24;
    const x = (value) => left + (width - left - right) * (value - from) / (to - from);
    const svg = s('svg', { viewBox: `0 0 ${width} ${height}`, height, role: 'img', 'aria-label': label, tabindex: 0 });
    axes.forEach((axis, place) => {
      const stacked = axis.stacked ? stack(axis.series) : null;
      const values = stacked ? stacked.tops : axis.series.flatMap((one) => one.points.map((point) => point[1]));
      const [low, high] = range(Math.min(...values), Math.max(...values), axis.zero);
      const y = (value) => top + (height - top - bottom) * (1 - (value - low) / (high - low));
      for (const tick of ticks(low, high, 4)) {
        if (place === 0) svg.append(s('line', { class: tick === 0 && low < 0 ? 'axis zero' : 'axis', x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
        svg.append(place === 0 ? text(left - 6, y(tick) + 4, axis.format(tick), 'end') : text(width - right + 6, y(tick) + 4, axis.format(tick), 'start'));
      }
      svg.append(place === 0 ? text(2, 11, axis.unit, 'start') : text(width - 2, 11, axis.unit, 'end'));
      if (stacked) for (const area of stacked.areas(x, y)) svg.append(area);
      else for (const one of axis.series) svg.append(s('path', { class: `line ${one.kind}`, d: path(one, x, y) }));
    });
    for (const tick of xTicks(width)) {
      svg.append(s('line', { class: 'axis', x1: x(tick), x2: x(tick), y1: height - bottom, y2: height - bottom + 4 }));
      const at = x(tick);
      svg.append(at > width - 26 ? text(width - 1, height - 6, xText(tick), 'end') : text(Math.max(16, at), height - 6, xText(tick), 'middle'));
    }
    const cursor = s('line', { class: 'cursor', y1: top, y2: height - bottom, visibility: 'hidden' });
    svg.append(cursor);
    const show = (value) => {
      at = Math.min(to, Math.max(from, value));
      cursor.setAttribute('visibility', 'visible');
      cursor.setAttribute('x1', x(at));
      cursor.setAttribute('x2', x(at));
      const parts = axes.flatMap((axis) => axis.series.map((one) => {
        const value = valueAt(one, at);
        return value === null ? null : `${one.name} ${axis.format(value, true)} ${axis.unit}`;
      })).filter(Boolean);
      readout.textContent = `${xText(at, true)}: ${parts.join(', ') || '–'}`;
    };
    svg.addEventListener('pointermove', (event) => {
      const place = svg.getBoundingClientRect();
      show(from + (to - from) * (event.clientX - place.left - left) / (width - left - right));
    });
    svg.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      show((at === null ? (from + to) / 2 : at) + step * (to - from) / 96);
    });
    frame.replaceChildren(svg);
  });
}

function text(x, y, words, anchor) { return s('text', { x, y, 'text-anchor': anchor }, words); }

function valueAt(series, at) {
  let best = null;
  for (const point of series.points) if (point[0] <= at && at < point[0] + series.step * 1.5) best = point[1];
  return best;
}

/** A line that is broken where nothing is known. */
function path(series, x, y) {
  let d = '';
  let last = null;
  for (const [time, value] of series.points) {
    const isNew = last === null || time - last > series.step * 2.5;
    d += `${isNew ? 'M' : 'L'}${x(time + series.step / 2).toFixed(1)} ${y(value).toFixed(1)}`;
    if (isNew) d += 'h0.1';
    last = time;
  }
  return d;
}

function stack(series) {
  const times = [...new Set(series.flatMap((one) => one.points.map((point) => point[0])))].sort((a, b) => a - b);
  const step = Math.max(60, ...series.map((one) => one.step));
  const maps = series.map((one) => new Map(one.points));
  const sums = times.map(() => 0);
  const layers = maps.map((map) => times.map((time, index) => {
    const below = sums[index];
    sums[index] += map.get(time) || 0;
    return [below, sums[index]];
  }));
  const runs = [];
  times.forEach((time, index) => {
    if (index === 0 || time - times[index - 1] > step * 2.5) runs.push([]);
    runs[runs.length - 1].push(index);
  });
  return {
    tops: sums.length ? sums : [0],
    areas: (x, y) => layers.map((layer, place) => {
      let d = '';
      for (const run of runs) {
        const up = run.map((index) => `${x(times[index] + step / 2).toFixed(1)} ${y(layer[index][1]).toFixed(1)}`);
        const down = [...run].reverse().map((index) => `${x(times[index] + step / 2).toFixed(1)} ${y(layer[index][0]).toFixed(1)}`);
        d += `M${up.join('L')}L${down.join('L')}Z`;
      }
      return s('path', { class: `area ${series[place].kind}`, d });
    }),
  };
}

/** Rejections in each of the last minutes. */
export function spark(minutes, label) {
  const counts = minutes.map((minute) => Object.values(minute.rejected).reduce((a, b) => a + b, 0));
  const high = Math.max(1, ...counts);
  const svg = s('svg', { class: 'spark', viewBox: '0 0 60 20', preserveAspectRatio: 'none', role: 'img', 'aria-label': label });
  svg.append(s('line', { x1: 0, x2: 60, y1: 19.75, y2: 19.75, 'stroke-width': 0.5 }));
  counts.forEach((count, index) => {
    const tall = count === 0 ? 0 : Math.max(1.5, 19 * count / high);
    svg.append(s('rect', { x: 60 - counts.length + index, width: 0.8, y: 19.5 - tall, height: tall }));
  });
  return svg;
}
