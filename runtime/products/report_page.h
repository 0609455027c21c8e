// The style and the script of report.html. The page is dark, as the sky is on its pictures; it needs no network, and
// without its script it still shows the first lead's mean and the tables.
#pragma once

#include <string_view>

namespace altocast {

inline constexpr std::string_view kReportStyle = R"(
:root{color-scheme:dark;--ground:#101216;--card:#181b21;--line:#2b313a;--text:#e8ebef;--quiet:#9aa4af;--accent:#2dd4a0;--warn:#f2b661}
*{box-sizing:border-box}
[hidden]{display:none!important}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1120px;padding:clamp(.8rem,3vw,2rem);background:var(--ground);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
header{display:flex;flex-wrap:wrap;align-items:end;justify-content:space-between;gap:.3rem 1.5rem;margin-bottom:1rem}
h1{font-size:clamp(1.35rem,4vw,1.9rem);line-height:1.2;margin:0;letter-spacing:-.01em}
h2{font-size:1.05rem;margin:0 0 .7rem}
p{margin:.3rem 0}
.quiet{color:var(--quiet)}
.chips{display:flex;flex-wrap:wrap;gap:.4rem;margin:0 0 1rem;padding:0;list-style:none}
.chips li{border:1px solid var(--line);border-radius:99px;padding:.1rem .75rem;font-size:.87rem;color:var(--quiet)}
.chips .good{color:var(--accent);border-color:#1f6f58}.chips .warn{color:var(--warn);border-color:#75592d}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.1rem 1.2rem;min-width:0}
.grid{display:flex;flex-wrap:wrap;gap:1rem;margin-top:1rem}
.grid>*{flex:1 1 min(100%,19rem)}
.grid>.whole{flex-basis:100%}
#viewer{padding:0;overflow:hidden}
#views{display:flex;gap:.4rem;padding:.7rem;overflow-x:auto}
button{background:#232831;color:inherit;border:1px solid var(--line);border-radius:8px;min-height:2.5rem;padding:.2rem clamp(.55rem,2.2vw,.95rem);font:inherit;white-space:nowrap;cursor:pointer}
button:hover{border-color:#4a5460}
button:focus-visible,input:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
button[aria-pressed=true]{background:var(--accent);border-color:var(--accent);color:#06281d;font-weight:600}
#stage{position:relative;background:#000;overflow:hidden;display:flex;justify-content:center}
#frame{position:relative;width:100%;max-width:calc(72vh*var(--ratio));aspect-ratio:var(--ratio)}
#frame img,#frame>svg{position:absolute;inset:0;width:100%;height:100%}
#frame>svg{pointer-events:none}
#frame path{fill:none;vector-effect:non-scaling-stroke}
.coast{stroke:#ffc83c;stroke-width:1.2}.net{stroke:#fff;stroke-opacity:.35;stroke-width:1;stroke-dasharray:3 4}
#frame .name{position:absolute;font-size:.7rem;color:#fff;text-shadow:0 0 3px #000,0 0 3px #000;transform:translate(-50%,-50%);pointer-events:none}
#caption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;padding:.6rem .9rem 0;font-size:1.05rem}
#when{font-weight:600}#note{color:var(--accent)}#note.past{color:var(--quiet)}#note.bridged{color:var(--warn)}
.legend{padding:.4rem .9rem .2rem}
.legend i{display:block;height:.8rem;border-radius:3px}
.legend div{display:flex;justify-content:space-between;font-size:.82rem;color:var(--quiet)}
.legend p{margin:0 0 .25rem;font-size:.87rem}
#controls{display:flex;gap:.5rem;align-items:center;padding:.6rem .9rem .9rem;flex-wrap:wrap}
#time{flex:1;min-width:min(100%,12rem);height:2rem;accent-color:var(--accent)}
#play{min-width:5.2rem}
.keys{margin:0;padding:0 .9rem .9rem;font-size:.8rem;color:var(--quiet)}
@media(max-width:640px){#views{gap:.3rem;padding:.5rem}#views button{font-size:.92rem}#time{order:-1;flex-basis:100%}.keys{display:none}.card{border-radius:10px;padding:1rem}#viewer{margin-inline:-.4rem}}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.93rem}
th,td{padding:.4rem .55rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
tr:last-child td{border-bottom:0}
th{color:var(--quiet);font-weight:500}
th:first-child,td:first-child{text-align:left;padding-left:0}
.facts td{text-align:left;white-space:normal;overflow-wrap:anywhere;vertical-align:top}
.facts td:first-child{color:var(--quiet);width:30%;overflow-wrap:normal}
.card>svg{width:100%;height:auto;display:block}circle:hover{opacity:1}
dl{display:flex;flex-wrap:wrap;gap:.4rem 1.8rem;margin:0 0 .6rem}
dt{color:var(--quiet);font-size:.85rem}dd{margin:0;font-size:1.45rem;line-height:1.2;font-weight:600}
)";

inline constexpr std::string_view kReportScript = R"(
const $=id=>document.getElementById(id),slider=$('time'),count=times.length,start=past.length;
let view=0,timer=0;
slider.max=count-1;slider.value=start;
const pictures=views.map(()=>[]);
function picture(v,i){
const own=i<start?0:v;
return pictures[own][i]||=Object.assign(new Image,{src:i<start?past[i]:views[v].frames[i-start],alt:views[v].name,draggable:false})}
function show(){
const i=+slider.value,isPast=i<start,image=picture(view,i);
image.alt=(isPast?times[i][1]:views[view].name)+' at '+times[i][0];
const old=$('frame').querySelector('img');
if(old!==image)old.replaceWith(image);
$('when').textContent=times[i][0];
$('note').textContent=times[i][1]+(isPast?'':' · '+views[view].name);
$('note').className=isPast?'past '+times[i][1]:'';
slider.setAttribute('aria-valuetext',times[i][0]+', '+(isPast?'':'forecast ')+times[i][1]);
document.querySelectorAll('.legend').forEach((l,k)=>l.hidden=k!==(isPast?0:view));
document.querySelectorAll('.map').forEach(m=>m.toggleAttribute('hidden',!isPast&&views[view].sheet||!mapShown));
}
function load(){for(let i=0;i<count;i++)picture(view,i).decode().catch(()=>{})}
let mapShown=true;
function go(i){slider.value=(i+count)%count;show()}
function stop(){clearTimeout(timer);timer=0;$('play').textContent='Play';$('play').setAttribute('aria-pressed',false)}
function tick(){timer=setTimeout(()=>{go(+slider.value+1);tick()},+slider.value===count-1?1200:+slider.value<start?200:350)}
function toggle(){if(timer)return stop();$('play').textContent='Pause';$('play').setAttribute('aria-pressed',true);tick()}
function choose(v){
view=v;
[...$('views').children].forEach((b,k)=>b.setAttribute('aria-pressed',k===v));
if(+slider.value<start&&!timer)slider.value=start;
load();show()}
$('play').onclick=toggle;
$('back').onclick=()=>{stop();go(+slider.value-1)};
$('next').onclick=()=>{stop();go(+slider.value+1)};
slider.oninput=()=>{stop();show()};
views.forEach((v,k)=>{
const b=document.createElement('button');
b.textContent=v.label;b.onclick=()=>choose(k);
$('views').append(b)});
const map=$('map');
if(map)map.onclick=()=>{mapShown=!mapShown;map.setAttribute('aria-pressed',mapShown);show()};
document.onkeydown=e=>{
if(e.ctrlKey||e.altKey||e.metaKey)return;
const k=e.key,n=+k;
if(k===' '&&e.target.tagName!=='BUTTON')toggle();
else if(k==='ArrowLeft'){stop();go(+slider.value-1)}
else if(k==='ArrowRight'){stop();go(+slider.value+1)}
else if(k==='Home'){stop();go(0)}
else if(k==='End'){stop();go(count-1)}
else if(n>=1&&n<=views.length)choose(n-1);
else return;
e.preventDefault()};
choose(0);
)";

}  // namespace altocast
