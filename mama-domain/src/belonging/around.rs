//! What one file belongs to.

use mama_ports::vocab::FileName;

use super::group::{Because, GroupKind, Member, groups};
use super::sidecar::{Naming, SidecarKind, sidecars};

/// What a file belongs to in its folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Around {
    /// The groups that it is in, each with all of its files.
    pub groups: Vec<(GroupKind, Because, Vec<FileName>)>,
    /// The files that describe it; what counts most comes first.
    pub sidecars: Vec<(SidecarKind, Naming, FileName)>,
    /// The files that it describes.
    pub describes: Vec<FileName>,
}

/// What the file with this name belongs to among the files of its folder.
pub fn around(files: &[Member<'_>], name: &FileName) -> Around {
    let members: Vec<Member<'_>> =
        files.iter().filter(|file| SidecarKind::of(file.name).is_none()).cloned().collect();
    let names = |group: &[usize]| group.iter().map(|&at| members[at].name.clone()).collect::<Vec<_>>();
    let mut around = Around::default();
    for group in groups(&members) {
        let names = names(&group.members);
        if names.contains(name) {
            around.groups.push((group.kind, group.because, names));
        }
    }
    for link in sidecars(files.iter().map(|file| file.name)) {
        if link.of == name {
            around.sidecars.push((link.kind, link.naming, link.sidecar.clone()));
        } else if link.sidecar == name {
            around.describes.push(link.of.clone());
        }
    }
    around
}

#[cfg(test)]
mod tests {
    use super::super::group::Traits;
    use super::*;

    #[test]
    fn a_file_has_groups_and_sidecars_and_a_sidecar_has_files() {
        let name = |text: &str| FileName::parse(text).unwrap();
        let names = ["IMG_1.JPG", "IMG_1.NEF", "IMG_1.xmp", "IMG_2.JPG"].map(name);
        let files: Vec<Member<'_>> =
            names.iter().map(|name| Member { name, traits: Traits::default() }).collect();
        let both = vec![names[0].clone(), names[1].clone()];
        let expected = Around {
            groups: vec![(GroupKind::RawAndJpeg, Because::Names, both.clone())],
            sidecars: vec![(SidecarKind::Xmp, Naming::Replaced, names[2].clone())],
            describes: vec![],
        };
        assert_eq!(around(&files, &names[1]), expected);
        assert_eq!(around(&files, &names[2]), Around { describes: both, ..Around::default() });
        assert_eq!(around(&files, &names[3]), Around::default());
    }
}
