//! compat-archive read <archive>                 what the crate of 2022 finds in it, a line each
//! compat-archive write <archive> <program>      an archive by the crate of 2022, compressed if it ends with .gz
use provider_archive::ProviderArchive;
use wascap::prelude::KeyPair;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args[1].as_str() {
        "read" => {
            let archive = ProviderArchive::try_load_file(&args[2]).await.expect("it can be read");
            let claims = archive.claims().expect("it has claims");
            let metadata = claims.metadata.expect("they say something");
            println!("{} {} {}", claims.subject, metadata.capid, metadata.vendor);
            let mut targets = archive.targets();
            targets.sort();
            for target in targets {
                println!("{target} {}", archive.target_bytes(&target).expect("its bytes").len());
            }
        }
        "write" => {
            let mut archive =
                ProviderArchive::new("wasmcloud:keyvalue", "By the crate", "Compat", Some(3), Some("0.1.0".into()));
            let program = std::fs::read(&args[3]).expect("the program can be read");
            let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
            archive.add_library(&target, &program).expect("it can be added");
            archive
                .write(&args[2], &KeyPair::new_account(), &KeyPair::new_service(), args[2].ends_with(".gz"))
                .await
                .expect("it can be written");
        }
        other => panic!("{other} is neither read nor write"),
    }
}
