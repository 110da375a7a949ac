//! Every story of tests/scenarios must end as it says.

use std::path::Path;

use passerelle_core::mutant::{Mutant, wake};

#[tokio::test]
async fn every_story_ends_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut stories = 0;
    let mut wrong = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "toml")) {
        stories += 1;
        if let Err(why) = passerelle_tests::scenario::tell(file).await {
            wrong.push(format!("{}\n    {why}", file.file_stem().unwrap().to_string_lossy()));
        }
    }
    assert!(stories > 0, "there are no stories in {}", folder.display());
    assert!(wrong.is_empty(), "{} of {stories} stories end otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_hub_that_agrees_before_a_write_is_known_to_be_done_tells_that_story_otherwise() {
    let story = "scenarios/a_write_that_fails_in_one_of_three_systems_is_not_taken_as_agreed.toml";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(story);
    wake(Some(Mutant::EarlyAgreement));
    let told = passerelle_tests::scenario::tell(&file).await;
    wake(None);
    let why = told.unwrap_err();
    assert!(why.contains("price") && why.contains("2.00"), "{why}");
}
