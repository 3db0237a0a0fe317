//! The configurations in `ha.d-examples/` are accepted as they stand, without a word to say about them.

use super::*;
use crate::director::table::Forward;

macro_rules! example {
    ($file:literal) => {
        include_str!(concat!("../../../../ha.d-examples/lvs-directors/", $file))
    };
}

#[test]
fn examples_are_good() {
    let web = config(example!("ldirectord-web.cf"));
    let mail = config(example!("ldirectord-mail.cf"));
    for text in [example!("ldirectord-web.cf"), example!("ldirectord-mail.cf")] {
        assert!(checked(text).diagnostics.is_empty(), "{:#?}", checked(text).diagnostics);
    }
    let methods = |config: &Config| -> Vec<Forward> {
        config.virtuals.iter().flat_map(|virt| &virt.reals).map(|real| real.forward).collect()
    };
    assert_eq!((methods(&web), methods(&mail)), (vec![Forward::Route; 4], vec![Forward::Masq; 4]));
    assert!(
        web.global.warm_standby == WarmStandby::Loaded && mail.virtuals.iter().all(|virt| virt.quiescent)
    );
}
