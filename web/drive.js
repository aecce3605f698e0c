// SPDX-License-Identifier: MIT

/*
 * drive.js - what the folder page does beyond links.
 *
 * The server writes the list; this sorts, filters and walks it, uploads, makes
 * folders, renames and deletes, and then takes the new list out of the page the
 * server would show. It never builds a row itself, so there is one list.
 */

const main = document.querySelector('main');
const writable = 'writable' in document.body.dataset;
const here = location.origin + location.pathname;
const hasTrash = document.querySelector('footer a') !== null;
const UPLOADS_AT_ONCE = 3;

/** An element: el('button', {onclick}, 'text', child...). */
function el(tag, props = {}, ...children) {
	const made = Object.assign(document.createElement(tag), props);
	made.append(...children);
	return made;
}

const button = (text, onclick, props) => el('button', {type: 'button', onclick, ...props}, text);
const quoted = name => `“${name}”`;

/* ---- the list ---- */

let rows = []; // {tr, link, name, isDir, size, date}, in the order shown
const natural = new Intl.Collator(undefined, {numeric: true, sensitivity: 'base'});
const localTime = new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'short'});

function readRow(tr) {
	const [link, time] = tr.querySelectorAll('a, time');
	const row = {
		tr, link,
		name: link.textContent,
		isDir: link.className === 'dir',
		size: Number(tr.cells[1].dataset.n ?? -1),
		date: time.dateTime,
	};
	time.title = row.date;
	time.textContent = localTime.format(new Date(row.date));
	if (writable)
		tr.insertCell().append(button('⋯', () => openMenu(row), {ariaLabel: `Actions for ${row.name}`}));
	return row;
}

function readList() {
	rows = [...main.querySelectorAll('tbody tr')].map(readRow);
	if (writable) {
		main.querySelector('thead tr').append(el('th', {scope: 'col', ariaLabel: 'Actions'}));
		main.querySelector('#empty')?.append(' Drop files here to upload.');
	}
	main.querySelector('#unsorted')?.append(' A click on a heading sorts them here.');
	filterList();
}

const compareBy = {
	name: () => 0,
	size: (a, b) => a.size - b.size,
	date: (a, b) => (a.date > b.date) - (a.date < b.date),
};

function sortList(key, descending) {
	const turn = descending ? -1 : 1;
	const body = document.createDocumentFragment();

	rows.sort((a, b) => b.isDir - a.isDir
		|| turn * (compareBy[key](a, b) || natural.compare(a.name, b.name)));
	for (const row of rows)
		body.append(row.tr);
	main.querySelector('tbody').append(body);
}

/** A click on a heading does at once what its link would ask the server for. */
function onHeading(event) {
	const link = event.target.closest('thead a');
	if (!link || event.ctrlKey || event.metaKey || event.shiftKey)
		return;
	event.preventDefault();

	const [, key, turn] = /sort=(\w+)&order=(\w+)/.exec(link.search);
	const descending = turn === 'desc';
	sortList(key, descending);
	main.querySelector('#unsorted')?.remove();
	history.replaceState(null, '', link.search);
	for (const other of main.querySelectorAll('thead a')) {
		const isThis = other === link;
		other.search = other.search.replace(/\w+$/, isThis && !descending ? 'desc' : 'asc');
		other.parentElement.ariaSort = isThis ? (descending ? 'descending' : 'ascending') : null;
	}
}

const filter = el('input', {type: 'search', placeholder: 'Filter', ariaLabel: 'Filter by name', oninput: filterList});

function filterList() {
	const wanted = filter.value.toLowerCase();
	for (const row of rows)
		row.tr.hidden = !row.name.toLowerCase().includes(wanted);
}

/** Puts a page's list in the place of ours; what had the focus keeps it. */
async function refresh(focusName) {
	const answer = await fetch(location.href, {cache: 'no-store'}).catch(() => null);
	if (!answer?.ok)
		return say(`The list is out of date. ${reasonFor(answer?.status ?? 0)}`);

	const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
	const focused = focusName ?? focusedRow()?.name;
	main.replaceChildren(...page.querySelector('main').childNodes);
	readList();
	rows.find(row => row.name === focused)?.link.focus();
}

let refreshTimer = 0;

/** Soon, and once for many changes. */
function refreshSoon() {
	refreshTimer ||= setTimeout(() => {
		refreshTimer = 0;
		refresh();
	}, 700);
}

/* ---- keys ---- */

const focusedRow = () => rows.find(row => row.tr.contains(document.activeElement));

function moveTo(which) {
	const shown = rows.filter(row => !row.tr.hidden);
	const to = which(shown.indexOf(focusedRow()), shown.length - 1);
	shown[Math.max(0, Math.min(shown.length - 1, to))]?.link.focus();
}

const keys = {
	ArrowDown: () => moveTo(now => now + 1),
	ArrowUp: () => moveTo(now => now - 1),
	Home: () => moveTo(() => 0),
	End: () => moveTo((now, last) => last),
	Backspace: () => document.querySelector('nav li:last-child a')?.click(),
	'/': () => filter.focus(),
	F2: () => withRow(rename),
	Delete: () => withRow(remove),
};
Object.assign(keys, {j: keys.ArrowDown, k: keys.ArrowUp, u: keys.Backspace});

function withRow(action) {
	const row = focusedRow();
	if (row && writable)
		action(row);
}

function onKey(event) {
	if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('dialog, #menu'))
		return;
	if (event.target === filter) {
		if (event.key === 'Escape') {
			filter.value = '';
			filterList();
		}
		if (['Escape', 'Enter', 'ArrowDown'].includes(event.key)) {
			event.preventDefault();
			moveTo(() => 0);
		}
		return;
	}
	if (keys[event.key]) {
		event.preventDefault();
		keys[event.key]();
	}
}

/* ---- saying and asking ---- */

const said = el('div', {id: 'said', role: 'alert', hidden: true});
let saidTimer = 0;

function say(sentence) {
	said.textContent = sentence;
	said.hidden = false;
	clearTimeout(saidTimer);
	saidTimer = setTimeout(() => { said.hidden = true; }, 8000);
}

const taken = 'That name is taken.';
const reasons = {
	0: 'The server cannot be reached.',
	400: 'The server does not take this name.',
	401: 'Load the page anew to sign in.',
	403: 'You may not change this.',
	404: 'It is no longer there.',
	405: taken,
	409: 'Its folder is not there.',
	412: taken,
	413: 'It is larger than the server takes.',
	414: 'The name is too long.',
	423: 'Someone else has locked it.',
	503: 'The server is busy. Try again in a moment.',
	507: 'The drive is full.',
};

const reasonFor = status => reasons[status] ?? `The server answered with error ${status}.`;

/**
 * Asks in a dialog. Buttons are {label: class}; the first only closes. Resolves to
 * {pressed: label or null, text, forAll}.
 */
function ask({title, text, input, check, buttons}) {
	return new Promise(resolve => {
		const field = el('input', {type: 'text', value: input ?? '', ariaLabel: title, hidden: input === undefined});
		const box = el('input', {type: 'checkbox'});
		const answer = pressed => {
			dialog.close();
			dialog.remove();
			resolve({pressed, text: field.value.trim(), forAll: box.checked});
		};
		const made = Object.entries(buttons).map(([label, className], i) =>
			button(label, i ? null : () => answer(null), {className, value: label, type: i ? 'submit' : 'button', autofocus: !i && field.hidden}));
		const onsubmit = event => {
			event.preventDefault();
			answer(event.submitter.value);
		};
		const form = el('form', {onsubmit}, el('h2', {}, title), el('p', {hidden: !text}, text), field,
			el('label', {hidden: !check}, box, ` ${check}`), el('div', {}, ...made));
		const dialog = el('dialog', {ariaLabel: title, oncancel: () => answer(null)}, form);

		document.body.append(dialog);
		dialog.showModal();
		if (!field.hidden) {
			const dot = field.value.lastIndexOf('.');
			field.focus();
			field.setSelectionRange(0, dot > 0 ? dot : field.value.length);
		}
	});
}

/* ---- what can be done with an entry ---- */

const menu = el('div', {id: 'menu', popover: 'auto'});

function openMenu(row) {
	const act = action => () => {
		menu.hidePopover();
		action(row);
	};
	menu.replaceChildren(
		el('a', {href: row.link.href, download: '', hidden: row.isDir, onclick: act(() => {})}, 'Download'),
		button('Rename…', act(rename)), button('Delete…', act(remove)));
	menu.showPopover();
	const at = row.tr.querySelector('button').getBoundingClientRect();
	menu.style.left = `${Math.max(8, at.right - menu.offsetWidth)}px`;
	menu.style.top = `${Math.min(at.bottom + 2, innerHeight - menu.offsetHeight - 8)}px`;
	menu.querySelector(':not([hidden])').focus();
}

/** The status of one request; 0 if there was no answer. */
async function send(method, url, headers = {}) {
	const answer = await fetch(url, {method, headers}).catch(() => null);
	return answer?.status ?? 0;
}

const isDone = status => status >= 200 && status < 300 && status !== 207;

/** A name, or a path below this folder, as a URL. */
const urlFor = path => here + path.split('/').map(encodeURIComponent).join('/');

/** A name from the user, or null after saying what is wrong with it. */
async function askName(title, input, verb) {
	const {pressed, text} = await ask({title, input, buttons: {Cancel: '', [verb]: 'main'}});
	if (pressed && /^$|^\.\.?$|\//.test(text))
		say('A name has at least one letter, and no slash.');
	else if (pressed)
		return text;
	return null;
}

async function rename(row) {
	const name = await askName(`Rename ${quoted(row.name)}`, row.name, 'Rename');
	if (!name || name === row.name)
		return row.link.focus();

	const Destination = urlFor(name) + (row.isDir ? '/' : '');
	const status = await send('MOVE', row.link.href, {Destination, Overwrite: 'F'});
	if (!isDone(status))
		return say(`${quoted(row.name)} was not renamed. ${reasonFor(status)}`);
	await refresh(name);
}

async function remove(row) {
	const next = rows[rows.indexOf(row) + 1] ?? rows[rows.indexOf(row) - 1];
	const {pressed} = await ask({
		title: `Delete ${quoted(row.name)}?`,
		text: `${row.isDir ? 'The folder and everything in it' : 'The file'} will be ${hasTrash ? 'in the trash' : 'gone'}.`,
		buttons: {Cancel: '', Delete: 'danger'},
	});
	if (!pressed)
		return row.link.focus();

	const status = await send('DELETE', row.link.href);
	if (!isDone(status) && status !== 404)
		say(status === 207 ? 'Not everything in it could be deleted.' : `${quoted(row.name)} was not deleted. ${reasonFor(status)}`);
	await refresh(next?.name);
}

/** @return whether it is there now; says why if not. */
async function makeFolder(path, mayExist) {
	const status = await send('MKCOL', `${urlFor(path)}/`);
	const isThere = isDone(status) || (mayExist && status === 405);
	if (!isThere)
		say(`The folder ${quoted(path)} was not made. ${reasonFor(status)}`);
	return isThere;
}

async function newFolder() {
	const name = await askName('New folder', '', 'Create');
	if (name && await makeFolder(name))
		await refresh(name);
}

/* ---- uploads ---- */

const uploads = []; // {file, path, state, sent, replace, keep, xhr, li, bar}
let answerForAll = null; // what to do with names that are taken, until all is done
let asking = Promise.resolve(); // one question at a time

const title = el('b', {role: 'status'});
const totalBar = el('progress', {ariaLabel: 'All uploads'});
const stop = button('', stopOrClose);
const lines = el('ul');
const panel = el('section', {id: 'uploads', ariaLabel: 'Uploads', hidden: true},
	el('header', {}, title, stop), totalBar, lines);

/** States: waiting, running, done, failed, gone (cancelled or skipped). */
const inState = (...states) => uploads.filter(item => states.includes(item.state));
const isBusy = () => uploads.some(item => item.state === 'waiting' || item.state === 'running');

function enter(item, state) {
	item.state = state;
	item.li?.remove();
}

function draw() {
	const sum = (some, of) => some.reduce((n, item) => n + of(item), 0);
	const files = n => `${n} ${n === 1 ? 'file' : 'files'}`;
	const running = inState('running');
	const done = inState('done');
	const counted = inState('waiting', 'running', 'done');
	const size = item => item.file.size || 1; // so that empty files count too

	for (const item of running)
		item.bar.value = item.sent / size(item);
	totalBar.value = (sum(done, size) + sum(running, item => item.sent)) / (sum(counted, size) || 1);
	totalBar.hidden = !isBusy();
	stop.textContent = isBusy() ? 'Cancel all' : 'Close';
	const failed = inState('failed').length;
	title.textContent = isBusy() ? `Uploading ${files(counted.length)}`
		: `${files(done.length)} uploaded${failed ? `, ${failed} not` : ''}`;
}

function stopOrClose() {
	if (isBusy())
		return inState('waiting', 'running').forEach(cancel);
	uploads.splice(0).forEach(item => item.li?.remove());
	panel.hidden = true;
}

function cancel(item) {
	enter(item, 'gone');
	item.xhr?.abort();
	pump();
}

function pump() {
	for (let room = UPLOADS_AT_ONCE - inState('running').length; room > 0; room--) {
		const next = uploads.find(item => item.state === 'waiting');
		if (next)
			start(next);
	}
	if (!isBusy())
		answerForAll = null;
	if (!inState('waiting', 'running', 'done', 'failed').length)
		stopOrClose();
	draw();
}

function showLine(item, verb, onclick, more) {
	item.li = el('li', {}, el('span', {title: item.path}, item.path),
		button(verb, onclick, {ariaLabel: `${verb} ${item.path}`}), more);
	lines.append(item.li);
}

function start(item) {
	enter(item, 'running');
	item.sent = 0;
	item.bar = el('progress', {ariaLabel: item.path});
	showLine(item, 'Cancel', () => cancel(item), item.bar);
	/* What the list shows is known to be taken: ask before sending, not after. */
	if (!item.replace && rows.some(row => row.name === item.path))
		onTaken(item);
	else
		put(item);
}

function put(item) {
	const xhr = item.xhr = new XMLHttpRequest();
	xhr.open('PUT', urlFor(item.path));
	if (!item.replace)
		xhr.setRequestHeader('If-None-Match', '*');
	xhr.setRequestHeader('X-OC-Mtime', Math.floor(item.file.lastModified / 1000));
	xhr.upload.onprogress = event => {
		item.sent = event.loaded;
		draw();
	};
	xhr.onloadend = () => onAnswer(item, xhr.status);
	xhr.send(item.file);
}

function onAnswer(item, status) {
	if (item.state !== 'running')
		return; // cancelled
	if (status === 412 && !item.replace)
		return onTaken(item);
	if (isDone(status)) {
		enter(item, 'done');
		refreshSoon();
	} else {
		enter(item, 'failed');
		showLine(item, 'Retry', () => { enter(item, 'waiting'); pump(); },
			el('small', {}, reasonFor(status)));
	}
	pump();
}

/** "a.txt" becomes "a (2).txt", and "a (2).txt" becomes "a (3).txt". */
function nextName(path) {
	const [, stem, number, ending] = /^(.*?)(?: \((\d+)\))?(\.[^./]+)?$/s.exec(path);
	return `${stem} (${Number(number ?? 1) + 1})${ending ?? ''}`;
}

async function onTaken(item) {
	if (!item.keep) {
		asking = asking.then(() => answerForAll ?? ask({
			title: `${quoted(item.path)} is already here`,
			text: 'Replace it with the one you upload, or keep both?',
			check: 'Do the same for the others',
			buttons: {Skip: '', 'Keep both': '', Replace: 'main'},
		}));
		const answer = await asking;
		if (answer.forAll)
			answerForAll = answer;
		if (item.state !== 'running')
			return; // cancelled meanwhile
		if (!answer.pressed)
			return cancel(item);
		item.replace = answer.pressed === 'Replace';
		item.keep = !item.replace;
	}
	if (item.keep)
		item.path = nextName(item.path); // if that is taken too, this runs again
	put(item);
}

/** The folders are made first, the outermost first. */
async function upload(files, folders) {
	for (const path of folders)
		if (!await makeFolder(path, true))
			return;
	if (folders.length)
		refreshSoon();
	if (!files.length)
		return;
	if (!isBusy())
		stopOrClose();
	panel.hidden = false;
	for (const item of files)
		uploads.push({...item, state: 'waiting'});
	pump();
}

/** All of a dropped entry, with paths that start at this folder. */
async function walk(entry, path, files, folders) {
	if (!entry.isDirectory) {
		const file = entry.file ? await new Promise((ok, no) => entry.file(ok, no)) : entry;
		files.push({file, path});
		return;
	}
	folders.push(path);
	const reader = entry.createReader();
	for (;;) { // it hands out a hundred at a time
		const some = await new Promise((ok, no) => reader.readEntries(ok, no));
		if (!some.length)
			return;
		for (const child of some)
			await walk(child, `${path}/${child.name}`, files, folders);
	}
}

async function onDrop(event) {
	event.preventDefault();
	document.body.classList.remove('drop');
	/* The items are gone after the first wait: take all of them now. What another page made,
	 * an image say, has no entry in any file system: it is the file itself. */
	const entries = [...event.dataTransfer.items].map(item => item.webkitGetAsEntry() ?? item.getAsFile()).filter(Boolean);
	const files = [];
	const folders = [];
	try {
		for (const entry of entries)
			await walk(entry, entry.name, files, folders);
	} catch {
		return say('That could not be read.');
	}
	await upload(files, folders);
}

function onDrag(event) {
	if (!event.dataTransfer.types.includes('Files'))
		return;
	event.preventDefault();
	document.body.classList.toggle('drop', event.type === 'dragover');
}

/** Every folder that stands in the paths, outermost first. */
function foldersOf(paths) {
	const found = new Set();
	for (const path of paths)
		for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1))
			found.add(path.slice(0, at));
	return [...found].sort((a, b) => a.length - b.length);
}

function chooser(wholeFolder) {
	const input = el('input', {type: 'file', multiple: true, webkitdirectory: wholeFolder});
	input.onchange = () => {
		const files = [...input.files].map(file => ({file, path: file.webkitRelativePath || file.name}));
		input.value = '';
		upload(files, foldersOf(files.map(item => item.path)));
	};
	return () => input.click();
}

/* ---- the beginning ---- */

const tools = document.querySelector('#tools');
tools.append(filter);
if (writable) {
	tools.append(button('New folder', newFolder), button('Upload folder', chooser(true), {className: 'wide'}),
		button('Upload', chooser(false), {className: 'main'}));
	document.body.append(menu, panel);
	addEventListener('dragover', onDrag);
	addEventListener('dragleave', event => event.relatedTarget || onDrag(event));
	addEventListener('drop', onDrop);
	addEventListener('beforeunload', event => isBusy() && event.preventDefault());
}
document.body.append(said);
document.addEventListener('keydown', onKey);
main.addEventListener('click', onHeading);
readList();
