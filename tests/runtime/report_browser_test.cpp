// report.html in a real browser, headless, from file://: it is driven as a person would, on a desk and on a phone, and
// must load every picture, move, and have nothing to say on its console. Skipped where there is no Chromium.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "runtime/products/products.h"
#include "tests/runtime/frame_files.h"

namespace altocast {
namespace {

// Collects what goes wrong, from before the page's own script on.
constexpr const char* kListen = R"(<script>
const problems=[];
addEventListener('error',e=>problems.push('error: '+(e.message||e.target.tagName)),true);
addEventListener('unhandledrejection',e=>problems.push('rejected: '+e.reason));
for(const kind of['error','warn'])console[kind]=m=>problems.push('console: '+m);
</script>)";

constexpr const char* kDrive = R"(<script>{
const check=(good,what)=>{if(!good)problems.push(what)},wait=ms=>new Promise(r=>setTimeout(r,ms));
const key=k=>document.body.dispatchEvent(new KeyboardEvent('keydown',{key:k,bubbles:true}));
const image=()=>document.querySelector('#frame img'),bar=document.getElementById('time'),text=id=>document.getElementById(id).textContent;
let pictures=0;
(async()=>{
const buttons=[...document.querySelectorAll('#views button')];
check(buttons.length===5,'views: '+buttons.map(b=>b.textContent));
const seen=new Set;
for(const button of buttons){
button.click();
check(button.getAttribute('aria-pressed')==='true',button.textContent+' is not pressed');
for(let i=0;i<=+bar.max;i++){
bar.value=i;bar.dispatchEvent(new Event('input'));
// Time is the browser's own here and runs ahead of its decoder.
for(let n=0;n<5000&&!(image().complete&&image().naturalWidth);n++)await wait(10);
check(image().naturalWidth>0&&image().complete,'picture '+i+' of '+button.textContent);
check(image().getBoundingClientRect().width>200,'picture '+i+' is small');
check(/^2018-06-06 1\d:\d\d UTC$/.test(text('when')),'time '+text('when'));
check(i<3?text('note')===(i===1?'bridged':'observed'):/^\+(30 min|1 h) · /.test(text('note')),'note '+text('note'));
check([...document.querySelectorAll('.legend')].filter(l=>l.offsetParent).length===1,'one legend');
if(i>=3)seen.add(image().src);
pictures++}}
check(seen.size===10,'different pictures: '+seen.size);
key('Home');check(+bar.value===0,'Home');
key('ArrowRight');check(+bar.value===1,'ArrowRight');
key('ArrowLeft');key('ArrowLeft');check(+bar.value===+bar.max,'ArrowLeft goes round');
key('2');check(buttons[1].getAttribute('aria-pressed')==='true','the key 2');
key('End');key(' ');await wait(1700);
check(text('play')==='Pause'&&+bar.value>0&&+bar.value<+bar.max,'the loop plays on from the beginning: '+bar.value);
key(' ');const at=bar.value;await wait(1500);
check(bar.value===at&&text('play')==='Play','the loop stands still');
document.getElementById('next').click();check(bar.value!==at,'the next button');
const net=document.querySelector('#frame svg');
check(net.getBoundingClientRect().width>200,'map');
document.getElementById('map').click();check(getComputedStyle(net).display==='none','map off');
document.getElementById('map').click();check(getComputedStyle(net).display!=='none','map on');
buttons[4].click();bar.value=4;bar.dispatchEvent(new Event('input'));
check(getComputedStyle(net).display==='none','no map over the members');
check(document.documentElement.scrollWidth<=innerWidth,'wider than the screen: '+document.documentElement.scrollWidth);
for(const e of document.querySelectorAll('h1,h2,button:not(#views button),input,.card,.card>svg')){
const box=e.getBoundingClientRect();
check(box.left>=0&&box.right<=innerWidth&&box.width>0,'off the screen: '+e.tagName+' '+e.textContent.slice(0,20))}
check(performance.getEntriesByType('resource').every(e=>e.name.startsWith('data:')),'the network was asked');
})().catch(e=>problems.push('check: '+e)).finally(()=>{
document.documentElement.setAttribute('data-result',(problems.join('; ')||'good')+' after '+pictures+' pictures on '+innerWidth)})}
</script>)";

struct Sample {
  std::vector<float> values, past;
  ForecastProduct forecast;
  Sample() {
    constexpr int kMembers = 5, kLeads = 2, kHeight = 40, kWidth = 60;
    for (int i = 0; i < kMembers * kLeads * kHeight * kWidth; ++i)
      values.push_back(200.0f + static_cast<float>(i % 83) + static_cast<float>(i / 2400));
    past.resize(3 * kHeight * kWidth);
    for (std::size_t i = 0; i < past.size(); ++i) past[i] = 210.0f + static_cast<float>(i % 71);
    forecast.members = kMembers;
    forecast.leads = kLeads;
    forecast.height = kHeight;
    forecast.width = kWidth;
    forecast.values = values;
    forecast.start_time = kNoon;
    forecast.cadence_seconds = 1800;
    for (int i = 0; i < 3; ++i) {
      forecast.past.push_back(
          {kNoon + 1800 * (i - 2),
           std::span<const float>(past).subspan(static_cast<std::size_t>(i) * kHeight * kWidth, kHeight * kWidth),
           i == 1});
    }
    forecast.station = "A </script> \"hut\" & its mast";
    forecast.channel = "infrared 10.7 µm";
    forecast.units = "K";
    forecast.range_low = 190.0f;
    forecast.range_high = 310.0f;
    forecast.bright_is_low = true;
    forecast.palette = Palette::enhanced;
    forecast.thresholds = {240.0f, 220.0f};
    forecast.prior_sha256 = std::string(64, 'a');
    forecast.georeference = Georeference();
    forecast.coastlines = {{{-3.0, 4.0}, {-9.0, 20.0}, {-30.0, 40.0}}};
    forecast.scores = RecentScores{kNoon - 86400,
                                   kNoon - 3600,
                                   41,
                                   "mean absolute error",
                                   {{"forecast", {3.0, 4.0}}, {"persistence", {4.0, 6.0}}, {"advection", {3.5, 5.0}}}};
    forecast.feed = FeedHealth{kNoon - 86400, 46, 2, 1, {{"20180606T0430Z.png", "truncated: IDAT ends early"}}, 1};
    forecast.adaptation = AdaptationFacts{true, "It verified 4 % better.", kNoon - 14400, kNoon, 8, 3, -0.9, -1.0};
  }
};

std::string browser() {
  for (const char* name : {"chromium-headless-shell", "chromium", "google-chrome"}) {
    if (system(("command -v " + std::string(name) + " > /dev/null").c_str()) == 0) return name;
  }
  return {};
}

std::string text_of(const std::string& path) {
  const Bytes bytes = read_bytes(path);
  return std::string(bytes.begin(), bytes.end());
}

TEST(ReportInABrowser, LoadsMovesAndFitsADeskAndAPhone) {
  const std::string program = browser();
  if (program.empty()) GTEST_SKIP() << "no Chromium here: apt-get install chromium-headless-shell";
  const TemporaryFolder folder;
  ASSERT_TRUE(write_products(Sample().forecast, folder / "out", {.member_pictures = 0}).ok());
  std::string page = text_of(folder / "out/report.html");
  const std::size_t head = page.find("<head>"), end = page.rfind("</body>");
  ASSERT_NE(head, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  page.insert(end, kDrive);
  page.insert(head + 6, kListen);
  write_text(folder / "page.html", page);
  for (const char* window : {"1280,900", "390,844"}) {
    const std::string command =
        "HOME='" + folder.path() + "' timeout 100 " + program +
        " --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --enable-logging=stderr --window-size=" +
        window + " --virtual-time-budget=1000000 --dump-dom 'file://" + folder.path() + "/page.html' 2> '" +
        folder.path() + "/log' | grep -o 'data-result=\"[^\"]*\"' > '" + folder.path() + "/result'";
    EXPECT_EQ(system(command.c_str()), 0) << "the page did not come to its end; " << text_of(folder / "log");
    const std::string expected = "data-result=\"good after 25 pictures on " +
                                 std::string(window).substr(0, std::string(window).find(',')) + "\"\n";
    EXPECT_EQ(text_of(folder / "result"), expected);
    EXPECT_EQ(text_of(folder / "log").find("CONSOLE"), std::string::npos) << text_of(folder / "log");
  }
}

}  // namespace
}  // namespace altocast
