//! When what expires is replaced, on a real API server and the sandbox CA: windows, a share of the life, by hand.

use anyhow::{Context, Result, ensure};
use harness::{World, WorldOptions, condition};
use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};
use serde_json::{Value, json};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

fn named(name: &str, renewal: Value) -> Value {
    let dns_names = [format!("{name}.example.com")];
    json!({"issuerRef": {"name": "digicert"}, "secretName": name, "dnsNames": dns_names, "renewal": renewal})
}

fn time(status: &Value, field: &str) -> Result<Timestamp> {
    Ok(status[field].as_str().with_context(|| format!("no {field}"))?.parse()?)
}

/// That many days later, at noon UTC.
fn noon(time: Timestamp, days: i64) -> Result<Zoned> {
    let later = (time + SignedDuration::from_hours(24 * days)).to_zoned(TimeZone::UTC);
    Ok(later.date().at(12, 0, 0, 0).to_zoned(TimeZone::UTC)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expires_is_replaced_when_the_spec_says() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let (objects, sandbox) = (&world.objects, &world.sandbox);

    let plain = json!({"before": "1440h"});
    objects.create("Certificate", "plain", named("plain", plain)).await?;
    let first = objects.until_ready("plain", 1).await?;
    let end = time(&first["status"], "notAfter")?;
    let due = end - SignedDuration::from_hours(1440);
    ensure!(time(&first["status"], "renewalTime")? == due, "as written");

    // Two days after it is due, for two hours around noon.
    let opens = noon(due, 2)?;
    let day = DAYS[usize::try_from(opens.weekday().to_monday_zero_offset())?];
    let window = |zone: &str| json!({"days": [day], "from": "11:00", "to": "13:00", "timeZone": zone});
    let weekly = json!({"before": "1440h", "windows": [window("Etc/UTC")]});
    let nowhere = json!({"before": "1440h", "windows": [window("Europe/Bielefeld")]});
    for (name, renewal) in [
        ("weekly", weekly),
        ("nowhere", nowhere),
        ("by-hand", json!({"before": "1440h", "policy": "Manual"})),
        ("share", json!({"beforePercentage": 25})),
    ] {
        objects.create("Certificate", name, named(name, renewal)).await?;
    }

    // What will be is told from the start.
    let share = objects.until_ready("share", 1).await?["status"].clone();
    let (from, to) = (time(&share, "notBefore")?, time(&share, "notAfter")?);
    let off = time(&share, "renewalTime")?.duration_since(to - to.duration_since(from) / 4);
    ensure!(off.abs() <= SignedDuration::from_secs(1), "a quarter of the life: {share}");
    let weekly = objects.until_ready("weekly", 1).await?["status"].clone();
    let planned = time(&weekly, "renewalTime")?;
    let inside = |moment: Timestamp| moment.duration_since(opens.timestamp()).abs() <= SignedDuration::from_hours(1);
    ensure!(inside(planned), "the window is around {opens}, planned is {planned}");
    ensure!(weekly["next"]["at"] == weekly["renewalTime"], "the plan: {}", weekly["next"]);
    let nowhere = objects.until_ready("nowhere", 1).await?;
    let told = condition(&nowhere, "ActionRequired").context("a zone that does not exist is told")?;
    ensure!(told["reason"] == "InvalidSpec" && told["message"].as_str().is_some_and(|m| m.contains("Bielefeld")));
    let by_hand = objects.until_ready("by-hand", 1).await?;
    ensure!(by_hand["status"]["next"]["summary"] == "Reissue by token (free)", "{}", by_hand["status"]["next"]);
    ensure!(condition(&by_hand, "ActionRequired").is_none(), "nothing is asked for yet");

    // A day after it is due, what has no window is replaced, and nothing else is.
    sandbox.set_clock(&noon(due, 1)?.timestamp().to_string()).await?;
    objects.until_ready("plain", 2).await?;
    let asked = objects
        .until("Certificate", "by-hand", "a person is asked", |object| condition(object, "ActionRequired").is_some())
        .await?;
    let told = condition(&asked, "ActionRequired").context("asked")?;
    ensure!(told["reason"] == "RenewalDue", "{told}");
    ensure!(told["message"].as_str().is_some_and(|m| m.contains("reissue-requested") && m.contains("expires at")));
    let last_day = end.to_zoned(TimeZone::UTC).date().to_string();
    let summary = asked["status"]["next"]["summary"].as_str().unwrap_or_default();
    ensure!(summary == format!("Reissue by token (free), expires {last_day}"), "{summary}");
    ensure!(condition(&asked, "Ready").is_some_and(|ready| ready["status"] == "True"));
    for name in ["weekly", "nowhere", "by-hand", "share"] {
        let common_name = format!("{name}.example.com");
        ensure!(sandbox.ledger().await?.count("reissue", &common_name) == 0, "{name} was not to be replaced yet");
    }

    // The token begins it.
    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "spring"}}});
    objects.patch("Certificate", "by-hand", token).await?;
    let renewed = objects.until_ready("by-hand", 2).await?;
    ensure!(renewed["status"]["lastHandledReissueRequest"] == "spring");
    ensure!(condition(&renewed, "ActionRequired").is_none());
    let recorded = objects.get("Issuance", "by-hand-2").await?;
    ensure!(recorded["spec"]["reason"] == "Expiring", "{}", recorded["spec"]["reason"]);

    // In the window the next one.
    sandbox.set_clock(&(opens.timestamp() + SignedDuration::from_mins(59)).to_string()).await?;
    let replaced = objects.until_ready("weekly", 2).await?;
    let day = time(&replaced["status"], "notBefore")?.to_zoned(TimeZone::UTC).date();
    ensure!(day == opens.date(), "replaced on {day}, not before its time");
    ensure!(sandbox.ledger().await?.count("reissue", "nowhere.example.com") == 0);

    // Shortly before the end what has no window left.
    sandbox.set_clock(&(end - SignedDuration::from_hours(7 * 24)).to_string()).await?;
    objects.until_ready("nowhere", 2).await?;
    for name in ["plain", "weekly", "nowhere", "by-hand", "share"] {
        ensure!(sandbox.ledger().await?.paid(&format!("{name}.example.com")) == 1, "{name}: one order");
    }
    Ok(())
}
